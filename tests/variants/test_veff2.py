"""Tables with kipoi-veff2's names."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import LINE, TOP, VARIANT_PERCENTILE
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.variants.tables import Veff2Table
from tests.entries import TFS, base
from tests.variants.scored_vcf import HEAD, LINES, other, write
from tests.zoo.test_null import copied

pytest_plugins = ("tests.entries", "tests.variants.scored_vcf")


def test_the_columns_of_kipoi_veff2(tmp_path, scored, predictor, entry, genome):
    vcf = write(tmp_path / "in.vcf", HEAD + "".join(LINES))
    options = ScoringOptions(columns="kipoi-veff2", shifts=(20, 20), piece_size=2)
    score_variants(predictor, vcf, genome, tmp_path / "out.parquet", options)
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict()
    functions = ("ref", "alt", "diff", "logit", "max_effect")
    assert list(found) == [
        *("#CHROM", "POS", "ID", "REF", "ALT"),
        *(f"{entry.card.name}/{tf}/{function}" for function in functions for tf in TFS),
        *("normal", "status", "flags", *(name for name in LINE if name != VARIANT_PERCENTILE)),
    ]
    table = scored[1]
    for theirs, ours in (("#CHROM", "chrom"), ("POS", "pos"), ("ID", "id"), ("REF", "ref"), ("ALT", "alt")):
        assert found[theirs] == table[ours]
    assert (found["status"], found["top_lost"]) == (table["status"], table["top_lost"])
    for tf in TFS:
        for theirs, ours in (("ref", "ref"), ("alt", "alt"), ("logit", "effect")):
            values = (np.array(x, float) for x in (found[f"tiny/{tf}/{theirs}"], table[f"{tf}_{ours}"]))
            np.testing.assert_allclose(*values, atol=1e-5)
        ref, alt, diff = (np.array(found[f"tiny/{tf}/{name}"], float) for name in functions[:3])
        np.testing.assert_allclose(diff, alt - ref, atol=1e-6)


def test_the_columns_of_kipoi_veff2_as_tsv_with_two_entries(tmp_path, entry, other_entry, genome):
    both = Predictor([entry, other_entry], ["tiny/JUND", "other/JUND", "SP1"])
    vcf = write(tmp_path / "in.vcf", HEAD + LINES[0])
    options = ScoringOptions(columns="kipoi-veff2", scores=("disagreement", "effect"), top=0)
    score_variants(both, vcf, genome, tmp_path / "out.tsv", options)
    header, row = (text.split("\t") for text in (tmp_path / "out.tsv").read_text().splitlines())
    targets = ("tiny/JUND", "other/JUND", "other/SP1")
    scores = [f"{target}/{function}" for function in ("logit", "disagreement") for target in targets]
    names = [name for name in LINE if name not in (*TOP, VARIANT_PERCENTILE)]
    assert header == ["#CHROM", "POS", "ID", "REF", "ALT", *scores, "normal", "status", "flags", *names]
    assert row[:5] == ["chr1", "500", "rs500", base(500), other(base(500))] and row[-9] == "ok"


def test_entries_that_call_themselves_the_same_go_by_their_folders(tmp_path, entry):
    one, two = copied(entry, tmp_path / "one"), copied(entry, tmp_path / "two")
    table = Veff2Table([f"{one.name}/JUND", f"{two.name}/JUND"], [one, two])
    assert table.targets == [f"{tmp_path}/one/JUND", f"{tmp_path}/two/JUND"]
