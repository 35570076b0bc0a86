"""Alleles of one haplotype, scored together: what stands in every format, whatever the chunks, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from kipoi_tfb.report.ranking import RankingOptions, rank_scores
from kipoi_tfb.report.scores import open_scores
from kipoi_tfb.variants.columns import CONTEXT_SCORES, DEFAULT_SCORES, HAPLOTYPE
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tests.entries import CONTIGS, TFS
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError
from tfb_matrix_data.sequence import encode

pytest_plugins = ("tests.entries",)

CHR1 = CONTIGS["chr1"]
HALF = 100
HEADER = (
    '##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tMUM\tDAD\n"
)


def snv(pos: int) -> str:
    """Return an ALT of the base at a 1-based position."""
    return "ACGT"[("ACGT".index(CHR1[pos - 1]) + 1) % 4]


def line(pos: int, ref: str, alt: str, mum: str, dad: str = "0|0") -> str:
    return f"chr1\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\tGT:PS\t{mum}\t{dad}\n"


def at(pos: int, mum: str, dad: str = "0|0") -> str:
    return line(pos, CHR1[pos - 1], snv(pos), mum, dad)


def normal(pos: int, ref: str = "", alt: str = "") -> str:
    return f"chr1:{pos}:{ref or CHR1[pos - 1]}>{alt or snv(pos)}"


DELETED = CHR1[530:534]  # a deletion of three bases that cannot stand further left
assert CHR1[530] != CHR1[533]

RECORDS = [
    at(500, "0|1"),
    at(520, "0|1", "1|1"),
    line(531, DELETED, DELETED[0], "0|1"),
    line(540, CHR1[539], CHR1[539] + ("AC" if CHR1[539] != "C" else "AG"), "1|0"),
    at(560, "1|1"),
    at(580, "0/1"),
    at(900, "./."),
    line(1200, CHR1[1199], "<DEL>", "0|0"),
    line(1400, CHR1[1399], f"{snv(1400)},{'ACGT'[('ACGT'.index(snv(1400)) + 1) % 4]}", "0|2", "1|1"),
    at(1402, "0|1:7"),
    at(2000, "0|1"),
    at(2010, "0|0"),
    line(2500, CHR1[2499:2502], CHR1[2499], "0|1"),
    at(2501, "0|1"),
]


def scored(predictor, genome, folder: Path, records=None, name="out.parquet", **options):
    vcf = folder / "in.vcf"
    vcf.write_text(HEADER + "".join(RECORDS if records is None else records))
    return score_variants(predictor, vcf, genome, folder / name, ScoringOptions(phased="MUM", **options))


def table(folder: Path, name: str = "out.parquet") -> list[dict]:
    found = pyarrow.parquet.read_table(folder / name).to_pydict()
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


def window(start: int, changes: dict[int, tuple[str, str]]) -> np.ndarray:
    """Return the window around the base at a 0-based position, of chr1 with {0-based position: (REF, ALT)}."""
    text, middle = CHR1, start
    for place in sorted(changes, reverse=True):
        ref, alt = changes[place]
        assert text[place : place + len(ref)] == ref
        text = text[:place] + alt + text[place + len(ref) :]
        middle += (len(alt) - len(ref)) * (place < start)
    return encode(text[middle - HALF : middle + HALF])


def test_a_row_says_with_which_and_what_they_do_together(predictor, genome, tmp_path):
    summary = scored(predictor, genome, tmp_path)
    rows = table(tmp_path)
    schema = pyarrow.parquet.read_schema(tmp_path / "out.parquet")
    assert all(field.metadata[b"description"] for field in schema)
    assert len(rows) == summary.alleles == 15
    deletion, both = normal(531, DELETED, DELETED[0]), [normal(500), normal(520)]
    hom = normal(560)
    assert (
        [(row["haplotype"], row["haplotype_with"]) for row in rows]
        == [
            # The unphased one at 580 may be there too, for those within 100 bp of it.
            ("partial", ";".join([both[1], deletion, hom])),
            ("partial", ";".join([both[0], deletion, hom])),
            ("partial", ";".join([*both, hom])),
            ("partial", hom),
            ("differs", "."),
            ("unphased", "."),
            ("missing", "."),
            ("not_scored", "."),
            ("absent", "."),
            ("partial", "."),  # of 1402 nobody knows: another phase set
            ("partial", "."),
            ("alone", "."),
            ("absent", "."),
            ("overlap", normal(2501)),
            ("overlap", normal(2500, CHR1[2499:2502], CHR1[2499])),
        ]
    )
    changes = {
        499: (CHR1[499], snv(500)),
        519: (CHR1[519], snv(520)),
        531: (DELETED[1:], ""),
        559: (CHR1[559], snv(560)),
    }
    for row, place in zip(rows[:3], (499, 519, 531), strict=True):
        others = {key: change for key, change in changes.items() if key != place}
        plain, without, within = predictor.logits(
            np.stack([window(place, {}), window(place, others), window(place, changes)])
        )
        for i, tf in enumerate(TFS):
            assert row[f"{tf}_context_effect"] == pytest.approx(within[i] - without[i], abs=1e-4)
            assert row[f"{tf}_joint_effect"] == pytest.approx(within[i] - plain[i], abs=1e-4)
            assert np.sign(row[f"{tf}_joint_impact"]) == np.sign(row[f"{tf}_joint_effect"])
            assert abs(row[f"{tf}_context_impact"]) <= abs(row[f"{tf}_context_effect"])
    for row in rows:
        has = row["haplotype"] in ("together", "partial") and row["haplotype_with"] != "."
        assert all((row[f"{tf}_{score}"] is not None) == has for tf in TFS for score in CONTEXT_SCORES)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_chunks_make_no_difference(predictor, genome, tmp_path, size):
    scored(predictor, genome, tmp_path)
    scored(predictor, genome, tmp_path, name="small.parquet", piece_size=size)
    for one, other in zip(table(tmp_path), table(tmp_path, "small.parquet"), strict=True):
        assert {key: one[key] for key in (*HAPLOTYPE, "normal", "status")} == {
            key: other[key] for key in (*HAPLOTYPE, "normal", "status")
        }
        for key, value in one.items():
            if isinstance(value, float):
                assert other[key] == pytest.approx(value, abs=1e-5)


def test_without_it_all_else_is_the_same(predictor, genome, tmp_path):
    scored(predictor, genome, tmp_path)
    score_variants(predictor, tmp_path / "in.vcf", genome, tmp_path / "plain.parquet")
    more = {*HAPLOTYPE, *(f"{tf}_{score}" for tf in TFS for score in CONTEXT_SCORES)}
    rows = [{key: value for key, value in row.items() if key not in more} for row in table(tmp_path)]
    assert rows == table(tmp_path, "plain.parquet")


@pytest.mark.parametrize("name", ["out.tsv", "out.parquet", "out.h5", "out.vcf", "out.vcf.gz"])
def test_every_format_is_read_back_and_ranked(predictor, genome, tmp_path, name):
    scored(predictor, genome, tmp_path)
    expected = table(tmp_path)
    scored(predictor, genome, tmp_path, name=name)
    scores = open_scores(tmp_path / name)
    assert scores.tfs == list(TFS)
    columns = [*HAPLOTYPE, "JUND_context_impact", "CTCF_joint_effect"]
    rows = [row for chunk in scores.chunks(columns) for row in chunk.to_pylist()]
    for row, wanted in zip(rows, expected, strict=True):
        if name.startswith("out.vcf") and wanted["status"] == "symbolic":
            continue  # a record of which no ALT is scored has its status alone
        assert [row[key] for key in HAPLOTYPE] == [wanted[key] for key in HAPLOTYPE]
        for key in columns[2:]:
            assert row[key] == (None if wanted[key] is None else pytest.approx(wanted[key], rel=1e-4))
    rank_scores(scores, tmp_path / "ranked.tsv", RankingOptions(by="JUND_context_impact"))
    lines = [text.split("\t") for text in (tmp_path / "ranked.tsv").read_text().splitlines() if text[0] != "#"]
    header, first = lines[:2]
    best = max((abs(row["JUND_context_impact"] or 0), row["normal"]) for row in expected)
    assert first[header.index("normal")] == best[1]


def test_a_tidy_table_says_it_too(predictor, genome, tmp_path):
    scored(predictor, genome, tmp_path, tidy=True)
    rows = table(tmp_path)
    assert len(rows) == 15 * 3 and rows[0]["haplotype"] == rows[2]["haplotype"] == "partial"
    assert rows[0]["haplotype_with"].startswith("chr1:520:") and "context_impact" in rows[0]


def test_another_sample(predictor, genome, tmp_path):
    scored(predictor, genome, tmp_path)
    options = ScoringOptions(phased="DAD", scores=DEFAULT_SCORES)
    score_variants(predictor, tmp_path / "in.vcf", genome, tmp_path / "dad.parquet", options)
    states = [row["haplotype"] for row in table(tmp_path, "dad.parquet")]
    assert states[1] == states[8] == "alone" and states.count("absent") == 12 and states[7] == "not_scored"


def test_an_indel_in_a_repeat_with_another_where_it_may_stand(predictor, tmp_path, write_fasta):
    """Written at its end, a deletion from a run of As passes an allele within the run when it is left-aligned."""
    from tfb_matrix_data.genome import Genome

    contig = CHR1[:400] + "CAAAAAAG" + CHR1[400:800]
    repeat = Genome(write_fasta(tmp_path / "repeat.fa", {"chr1": contig}))
    records = [line(404, "A", "T", "0|1"), line(406, "AA", "A", "0|1")]
    scored(predictor, repeat, tmp_path, records)
    assert [row["haplotype"] for row in table(tmp_path)] == ["overlap", "overlap"]
    records = [line(401, "CA", "C", "0|1"), line(404, "A", "T", "0|1")]  # where it is meant to stand
    scored(predictor, repeat, tmp_path, records)
    assert [row["haplotype"] for row in table(tmp_path)] == ["together", "together"]


@pytest.mark.parametrize(
    ("records", "options", "error", "message"),
    [
        (None, {"phased": "KID"}, UnknownNameError, r"unknown sample \(in .*in.vcf\) 'KID'. Valid: MUM, DAD"),
        (None, {"allele_swap": True}, ConfigError, "--phased takes REF as what the genome has"),
        (RECORDS[::-1], {}, InputError, r"in.vcf: is not sorted \(chr1:2500 stands after chr1:2501\): --phased looks"),
    ],
)
def test_bad_input(predictor, genome, tmp_path, records, options, error, message):
    vcf = tmp_path / "in.vcf"
    vcf.write_text(HEADER + "".join(records or RECORDS))
    options = {"phased": "MUM", **options}
    with pytest.raises(error, match=message):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", ScoringOptions(**options))
    assert not (tmp_path / "out.tsv").exists()


def test_no_genotypes_and_no_sample(predictor, genome, tmp_path):
    with pytest.raises(InputError, match=r"the command line: has no samples; --phased needs a VCF with genotypes"):
        score_variants(predictor, [normal(500)], genome, tmp_path / "a.tsv", ScoringOptions(phased="MUM"))
    with pytest.raises(ConfigError, match="context_effect is of haplotypes: name the sample that has them, with --pha"):
        score_variants(predictor, [normal(500)], genome, tmp_path / "a.tsv", ScoringOptions(scores=["context_effect"]))


def test_the_command(tfb, tmp_path):
    (tmp_path / "in.vcf").write_text(HEADER + "".join(RECORDS))
    arguments = ("score", "in.vcf", "--genome", "GENOME", "--models", "ENTRY", "-o", "out.tsv")
    code, _, err = tfb(*arguments, "--phased", "MUM")
    assert code == 0, err
    assert "haplotype_with" in (tmp_path / "out.tsv").read_text().splitlines()[0]
    code, _, err = tfb(*arguments, "--phased", "NOBODY")
    assert code == 1 and "unknown sample (in in.vcf) 'NOBODY'. Valid: MUM, DAD." in err
