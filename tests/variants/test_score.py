"""Scores of variants: one row per ALT, each with a status; effects are what the two alleles say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.models.logits import NOTABLE
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants import score as scoring
from kipoi_tfb.variants.columns import DEFAULT_SCORES, LINE
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tests.entries import CONTIGS, TFS
from tests.tuned import small_base
from tests.variants.runs_of_score import MIXED, base, other, run, values, write_vcf
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode

pytest_plugins = ("tests.entries",)

FIXED = [
    *("chrom", "pos", "id", "ref", "alt", "normal", "status", "flags"),
    *(
        "sum_difference",
        "largest_impact",
        "largest_impact_tf",
        "n_gained",
        "n_lost",
        "top_gained",
        "top_lost",
        "reason",
        "sites",
    ),
]


STATUS = ["ok", "ok", "symbolic", "symbolic", "ref_mismatch", "unsupported", "ok", "ok", "ok", "ok", "too_long"]
STATUS += ["unsupported", "unsupported"]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, predictor, genome) -> tuple[dict, scoring.ScoringSummary]:
    return run(predictor, genome, tmp_path_factory.mktemp("mixed"), MIXED)


def test_one_row_per_alt_in_the_order_of_the_file(mixed):
    table, summary = mixed
    assert list(table) == FIXED + [f"{tf}_{score}" for tf in TFS for score in DEFAULT_SCORES]
    wanted = [(chrom, pos, name, ref, alt) for chrom, pos, name, ref, alts in MIXED for alt in alts.split(",")]
    assert list(zip(*(table[name] for name in FIXED[:5]), strict=True)) == wanted
    assert summary.alleles == len(wanted) == 13


def test_every_row_has_a_status_and_only_ok_has_scores(mixed):
    table, _ = mixed
    assert table["status"] == STATUS
    for score in DEFAULT_SCORES:
        missing = np.isnan(values(table, score))
        assert (missing == (np.array(STATUS) != "ok")[:, None]).all()


def test_flags_say_the_rest(mixed):
    table, _ = mixed
    flags = dict(zip(table["id"], table["flags"], strict=True))
    # chr2: [850, 1053) serves both alleles of a deletion of the 3 behind 950; N begins at 1000.
    assert flags["del"] == "n_in_window=53"
    assert flags["twice"] == "duplicate"
    assert flags["edge"] == "n_in_window=96;edge_padded"
    assert (flags["none"], flags["where"], flags["past"]) == ("no_alt", "unknown_contig", "outside_contig")
    assert base(500) == "G" and flags["snv"] == "not_left_normalised"  # its second ALT: G>GG
    assert flags["sym"] == flags["wrong"] == flags["mnv"] == flags["long"] == "."


def test_the_summary_counts_everything(mixed):
    _, summary = mixed
    assert summary.status == Counter(STATUS)
    wanted = {"n_in_window": 2, "edge_padded": 1, "duplicate": 1, "not_left_normalised": 1}
    assert summary.flags == {**wanted, "no_alt": 1, "unknown_contig": 1, "outside_contig": 1}


def test_the_effect_is_the_difference_of_log_odds(mixed):
    table, _ = mixed
    ref, alt, effect = (values(table, score) for score in ("ref", "alt", "effect"))
    scored = ~np.isnan(effect)
    odds = np.log(alt / (1 - alt)) - np.log(ref / (1 - ref))
    np.testing.assert_allclose(odds[scored], effect[scored], atol=1e-4)
    assert np.abs(effect[0]).min() > 1e-4 and ((ref > 0) & (ref < 1))[scored].all()


def test_the_impact_weighs_the_effect_by_the_better_bound_allele(mixed):
    table, _ = mixed
    ref, alt, effect, impact = (values(table, score) for score in DEFAULT_SCORES)
    better = np.fmax(ref, alt)
    np.testing.assert_allclose(impact, effect * better / (better + np.e * (1 - better)), atol=1e-5)
    assert np.nanmax(np.abs(impact)) > 0.01


def test_the_line_of_an_allele_is_over_all_tfs(mixed):
    table, summary = mixed
    ref, alt, impact = (values(table, score) for score in ("ref", "alt", "impact"))
    for row, status in enumerate(STATUS):
        line = {name: table[name][row] for name in LINE if name in table}
        if status != "ok":
            assert set(line.values()) == {None, "."}
            continue
        best = np.abs(impact[row]).argmax()
        assert line["sum_difference"] == pytest.approx((alt - ref)[row].sum(), abs=1e-5)
        assert line["largest_impact"] == pytest.approx(impact[row, best], abs=1e-6)
        assert line["largest_impact_tf"] == TFS[best]
        counts = (impact[row] >= NOTABLE).sum(), (impact[row] <= -NOTABLE).sum()
        assert (line["n_gained"], line["n_lost"]) == counts
    assert "variant_percentile" not in table
    (notice,) = summary.notices
    assert notice.startswith("column variant_percentile is left out: ") and "make it: tfb null" in notice


def test_probabilities_are_those_of_the_windows(mixed, predictor):
    table, _ = mixed
    contig, start = CONTIGS["chr1"], 499
    ref = contig[start - 100 : start + 100]
    snv = ref[:100] + other(base(500)) + ref[101:]
    insertion = (ref[:100] + base(500) + "G" + ref[101:])[:200]
    found = predictor.probability(np.stack([encode(window) for window in (ref, snv, insertion)]))
    np.testing.assert_allclose(values(table, "ref")[0], found[0], atol=1e-6)
    np.testing.assert_allclose(values(table, "ref")[1], found[0], atol=1e-6)
    np.testing.assert_allclose(values(table, "alt")[:2], found[1:], atol=1e-6)


def test_the_same_allele_twice_has_the_same_score(mixed):
    table, _ = mixed
    rows = [table["id"].index(name) for name in ("mnv", "twice")]
    np.testing.assert_array_equal(*(values(table, "effect")[row] for row in rows))


def test_swapping_the_alleles_swaps_the_sign(tmp_path, predictor, genome, write_fasta):
    # A genome that has the ALT alleles: there, the REF of the first genome is the variant.
    places = range(300, 2700, 300)
    contig = list(CONTIGS["chr1"])
    for pos in places:
        contig[pos - 1] = other(base(pos))
    swapped = Genome(write_fasta(tmp_path / "swapped.fa", {"chr1": "".join(contig)}))
    forward, _ = run(predictor, genome, tmp_path, [("chr1", pos, ".", base(pos), other(base(pos))) for pos in places])
    back, _ = run(predictor, swapped, tmp_path, [("chr1", pos, ".", other(base(pos)), base(pos)) for pos in places])
    assert forward["status"] == back["status"] == ["ok"] * len(places)
    np.testing.assert_allclose(values(forward, "effect"), -values(back, "effect"), atol=1e-5)
    np.testing.assert_allclose(values(forward, "ref"), values(back, "alt"), atol=1e-6)
    assert np.abs(values(forward, "effect")).max() > 0.01


def test_an_allele_equal_to_ref_has_no_effect(tmp_path, predictor, genome):
    table, _ = run(predictor, genome, tmp_path, [("chr1", 500, ".", base(500), base(500).lower())])
    assert table["status"] == ["ok"]
    np.testing.assert_allclose(values(table, "effect"), 0, atol=1e-6)


def test_nothing_to_score_is_still_a_table(tmp_path, predictor, genome):
    table, summary = run(predictor, genome, tmp_path, [("chr1", 700, "a", base(700), "<DEL>")])
    assert table["status"] == ["symbolic"] and table["JUND_effect"] == [None]
    assert summary.status == {"symbolic": 1} and not summary.flags


def test_two_entries_side_by_side(tmp_path, entry, other_entry, genome, mixed):
    table, _ = run(Predictor([entry, other_entry]), genome, tmp_path, MIXED)
    columns = ("ATF4", "CTCF", f"{entry.card.name}/JUND", f"{other_entry.card.name}/JUND", "SP1")
    assert list(table)[len(FIXED) :] == [f"{tf}_{score}" for tf in columns for score in DEFAULT_SCORES]
    for score in DEFAULT_SCORES:
        np.testing.assert_allclose(values(table, score, columns[:3]), values(mixed[0], score), atol=1e-5)


@pytest.fixture(scope="module")
def motif_predictor(tmp_path_factory):
    """Return one of an architecture that runs ALT only where it differs."""
    return Predictor([small_base(tmp_path_factory.mktemp("zoo"))])


@pytest.mark.parametrize("which", ["predictor", "motif_predictor"])
def test_neither_chunks_nor_threads_change_a_byte(tmp_path, request, which, genome, set_threads):
    chosen = request.getfixturevalue(which)
    vcf = write_vcf(tmp_path / "a.vcf", [*MIXED, *(("chr1", p, ".", base(p), other(base(p))) for p in range(900, 960))])
    found = []
    for threads in (1, 2):
        set_threads(threads)
        for piece_size in (7, 50, 8192):
            options = ScoringOptions(piece_size=piece_size, shifts=(20, 20), scores=("ref", "alt", "disagreement"))
            summary = score_variants(chosen, vcf, genome, tmp_path / "out.tsv", options)
            found.append((summary, (tmp_path / "out.tsv").read_bytes()))
    assert all(one == found[0] for one in found[1:]) and found[0][0].status["ok"] > 60


def test_variants_from_strings_and_tables(tmp_path, predictor, genome):
    wanted, _ = run(predictor, genome, tmp_path, [("chr1", 500, ".", base(500), other(base(500)))])
    (tmp_path / "a.tsv").write_text(f"chr1\t500\t{base(500)}\t{other(base(500))}\n")
    for source in ([f"chr1:500:{base(500)}>{other(base(500))}"], tmp_path / "a.tsv"):
        score_variants(predictor, source, genome, tmp_path / "out.parquet")
        assert pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict() == wanted


def test_memory_is_given_back_after_each_piece(predictor, genome, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(scoring, "give_back_memory", lambda: given.append(1))
    records = [("chr1", pos, ".", base(pos), other(base(pos))) for pos in range(300, 340)]
    vcf = write_vcf(tmp_path / "in.vcf", records)
    score_variants(predictor, vcf, genome, tmp_path / "o.tsv", ScoringOptions(piece_size=10))
    assert len(given) == 4
