"""Benchmarks of variant scores against the truth: figures worked by hand, and every row accounted for."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.truth import __main__ as command
from benchmarks.truth.report import END, START, Mark, against_marks, by_method, counts, pivot, put_figures
from benchmarks.truth.scores import score_entry, score_shifts, score_sites
from benchmarks.truth.statistics import Row
from benchmarks.truth.tables import read_asb, read_mpra, write_alleles
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from tests.entries import TFS, base
from tests.measured import ASB_HEADER, MPRA_HEADER, snv, write_table
from tests.tiny import make_entry
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import encode

pytest_plugins = ("tests.entries",)


def test_a_table_of_bindings(tmp_path: Path) -> None:
    rows = [["chr1", 5, "A", "C", "k", "SP1", 10, 30, 5, 4, "ASB", 7]]
    rows += [["chr1", 9, "G", "T", "k", "SP1", 4, 4, 2, 3, "nonASB", 8]]
    data = read_asb(write_table(tmp_path / "asb.tsv", ASB_HEADER, rows))
    assert data.alleles == [("chr1", 5, "A", "C"), ("chr1", 9, "G", "T")]
    assert (data.tf.tolist(), data.imbalanced.tolist()) == (["SP1", "SP1"], [True, False])
    assert (data.favoured.tolist(), data.open.tolist(), data.group.tolist()) == ([1, 0], [-1, 1], [7, 8])
    second = data.take(np.array([1]))
    assert second.alleles == [("chr1", 9, "G", "T")]
    assert (second.tf.tolist(), second.cell.tolist(), second.open.tolist()) == (["SP1"], ["k"], [1])
    table = command.reads(data)
    assert table[-2:] == ["| the other has more | 1 |", "| all | 1 |"]


def test_a_deletion_begins_with_the_base_before_it(tmp_path: Path, genome: Genome) -> None:
    rows = [["chr1", 50, base(50), "-", 20, -1.5, 1e-9, "X"], [*snv(51), 9, 0.1, 1e-5, "X"]]
    data = read_mpra(write_table(tmp_path / "mpra.tsv", MPRA_HEADER, rows), genome)
    assert data.alleles == [("chr1", 49, base(49) + base(50), base(49)), snv(51)]
    assert (data.deletion.tolist(), data.measured.tolist()) == ([True, False], [True, False])
    assert (data.significant.tolist(), data.group.tolist()) == ([True, False], [5, 5])


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (ASB_HEADER[:-1], ["chr1", 5, "A", "C", "k", "SP1", 1, 2, 3, 4, "ASB"], "line 1: lacks the column(s) region"),
        (["chrom", "pos"], ["chr1", 5], "lacks the column(s) ref, alt, cell, TF, ref_tf_dp, "),
        (ASB_HEADER, ["chr1", 5, "A", "C", "k", "SP1", 1, 2, 3, 4, "maybe", 1], "line 2: column ASB: found 'maybe'"),
        (
            ASB_HEADER,
            ["chr1", "x", "A", "C", "k", "SP1", 1, 2, 3, 4, "ASB", 1],
            "column pos: found 'x', expected a number",
        ),
        (ASB_HEADER, ["chr1", 5, "A", "C", "k", "", 1, 2, 3, 4, "ASB", 1], "column TF: found '', expected a value"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, header: list[str], row: list[object], message: str) -> None:
    path = write_table(tmp_path / "asb.tsv", header, [row])
    with pytest.raises(InputError) as caught:
        read_asb(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_table_without_rows_and_one_of_another_genome(tmp_path: Path, genome: Genome) -> None:
    with pytest.raises(InputError, match="has a header but no row"):
        read_asb(write_table(tmp_path / "asb.tsv", ASB_HEADER, []))
    path = write_table(tmp_path / "mpra.tsv", MPRA_HEADER, [["chr9", 50, "A", "-", 20, -1.5, 1e-9, "X"]])
    with pytest.raises(InputError, match="chr9"):
        read_mpra(path, genome)


def test_effects_are_those_of_the_table_in_its_order(tmp_path: Path, genome: Genome, entry: Entry) -> None:
    alleles = [snv(1500), ("chr1", 1400, "ACGT"["ACGT".index(base(1400)) - 1], base(1400)), snv(300)]
    write_alleles(alleles, tmp_path / "alleles.tsv")
    effects = score_entry(entry, tmp_path / "alleles.tsv", genome, tmp_path / "effects.parquet")
    assert (effects.tfs, effects.status.tolist()) == (list(TFS), ["ok", "ref_mismatch", "ok"])
    assert effects.scored.tolist() == [True, False, True]
    assert (np.sign(effects.log_odds[[0, 2]]) == np.sign(effects.probability[[0, 2]])).all()
    assert np.isnan(effects.log_odds[1]).all()
    write_alleles(alleles[2:], tmp_path / "one.tsv")
    alone = score_entry(entry, tmp_path / "one.tsv", genome, tmp_path / "one.parquet")
    np.testing.assert_allclose(alone.log_odds[0], effects.log_odds[2], atol=1e-5)


def test_shifted_windows_are_those_of_the_moved_genome(tmp_path: Path, genome: Genome, entry: Entry) -> None:
    assert base(1500) != base(1501)  # so that the deletion of the latter cannot stand further left
    alleles = [("chr1", 1500, base(1500) + base(1501), base(1500)), ("chr9", 5, "A", "C"), snv(900)]
    write_alleles(alleles, tmp_path / "alleles.tsv")
    centred = score_entry(entry, tmp_path / "alleles.tsv", genome, tmp_path / "effects.parquet")
    mean, most = score_shifts(entry, tmp_path / "alleles.tsv", genome, centred, (-30, 30))
    network = Predictor([entry])
    wide = [base(pos) for pos in range(1351, 1652)]  # of the deletion: 150 bases, the one, 150
    effects = [centred.log_odds[0]]
    for shift in (-30, 30):
        at = slice(50 + shift, 250 + shift)
        windows = ["".join(wide)[at], "".join(wide[:150] + wide[151:])[at]]
        ref, alt = network.logits(np.stack([encode(window) for window in windows]))
        effects.append(alt - ref)
    np.testing.assert_allclose(mean.log_odds[0], np.mean(effects, 0), atol=1e-5)
    sizes = np.abs(effects)
    np.testing.assert_allclose(np.abs(most.log_odds[0]), sizes.max(0), atol=1e-5)
    assert np.isnan(mean.log_odds[1]).all() and np.isfinite(mean.probability[2]).all()
    assert mean.scored.tolist() == [True, False, True]


def test_shifts_are_multiples_on_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.shifts_of("70,30") == (-30, 30, -60, 60)
    for wrong in ("20,30", "20", "x,1", "0,0"):
        with pytest.raises(SystemExit):
            command.main(["--models", "m", "--variants", "v", "--genome", "g", "-o", "o", "--shifts", wrong])
        assert f"expected BP,STEP such as 90,30; found '{wrong}'" in capsys.readouterr().err


def test_sites_overlap_the_variant(tmp_path: Path, write_fasta: Callable[..., Path]) -> None:
    # A perfect JUND-like site (TGACTCA) under the variant at 301, an unbroken one 60 bp away in both alleles.
    sequence = list("GC" * 400)
    sequence[237:244] = "TGACTCA"
    sequence[297:304] = "TGACTCA"
    text = "".join(sequence)
    genome = Genome(write_fasta(tmp_path / "g.fa", {"chr1": text}))
    pos = 301
    assert text[pos - 1] == "C"
    alleles = [("chr1", pos, "C", "A"), ("chr1", pos - 1, text[pos - 2 : pos], text[pos - 2]), ("chr1", 600, "A", "C")]
    write_alleles([*alleles, ("chr1", 401, "G", "A"), ("chr1", 402, "C", "A")], tmp_path / "alleles.tsv")
    sites = score_sites(["JUND", "none"], tmp_path / "alleles.tsv", genome, 200)
    assert (sites.difference[:2, 0] < -2).all(), "the site that stays in the window is not looked at"
    assert (sites.relative[:2, 0] > 0.8).all()
    assert np.isnan(sites.difference[2, 0]), "REF is not what the genome has"
    assert np.isnan(sites.difference[:, 1]).all()
    assert (sites.relative[3:, 0] < 0.8).all() and (sites.clipped[3:, 0] == 0).all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tables of the fixture's genome: three imbalanced SNVs, one on an unknown base, one of another TF; an element."""
    (tmp_path / "in").mkdir()
    asb = [
        [*snv(1000 + 20 * i), "k", TFS[i % 2], 9, 3 + 9 * (i % 3), 5, 6, ["ASB", "nonASB"][i % 2], i] for i in range(8)
    ]
    asb += [
        ["chr2", 1300, "A", "C", "k", "JUND", 5, 6, 0, 0, "nonASB", 90],
        [*snv(1000), "k", "NOVEL", 5, 6, 0, 0, "ASB", 91],
    ]
    write_table(tmp_path / "in" / command.ASB_FILE.removesuffix(".gz"), ASB_HEADER, asb)
    mpra = [[*snv(1500 + i), 50, 0.1 * (-1) ** i * i, [1e-9, 0.5][i % 2], "X"] for i in range(12)]
    mpra += [["chr1", 1520, base(1520), "-", 50, -1.0, 1e-9, "X"], [*snv(1600), 3, 1.0, 1e-9, "X"]]
    write_table(tmp_path / "in" / command.MPRA_FILE.removesuffix(".gz"), MPRA_HEADER, mpra)
    (tmp_path / "doc.md").write_text(f"before\n{START}\nold\n{END}\nafter\n")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, genome_path: Path, model: str, *more: str) -> int:
    for name in ("ASB_FILE", "MPRA_FILE"):
        monkeypatch.setattr(command, name, getattr(command, name).removesuffix(".gz"))
    arguments = ["--models", model, "--variants", str(folder / "in"), "--genome", str(genome_path)]
    arguments += ["-o", str(folder / "out"), "--docs", str(folder / "doc.md"), "--replicates", "20"]
    return command.main([*arguments, *more])


def test_the_command_writes_tables_and_the_document(
    monkeypatch: pytest.MonkeyPatch, folder: Path, genome_path: Path
) -> None:
    entry = make_entry(folder / "tiny", tasks=TFS)
    assert run(monkeypatch, folder, genome_path, str(entry.folder), "--shifts", "40,20") == 0
    text = (folder / "doc.md").read_text()
    assert text.startswith("before\n" + START) and text.endswith(END + "\nafter\n")
    assert "old" not in text
    assert "| compared | 8 | 12 | 1 |" in text
    assert "| TF is not in the model | 1 | 0 | 0 |" in text
    assert "| allele not scored | 1 | 0 | 0 |" in text
    assert "| fewer than 10 barcodes | 0 | 1 | 0 |" in text
    assert "| ref_unknown | 1 | 0 | 0 |" in text  # on the N of chr2
    with open(folder / "out" / "truth.tsv", newline="") as stream:
        rows = list(csv.DictReader(stream, dialect="excel-tab"))
    assert {row["entry"] for row in rows} == {"tiny"}
    assert {row["subset"] for row in rows} == {"chr1", "X"}, "chr1 is neither held out nor trained on"
    assert {"tiny", "tiny, mean of 5 windows", "tiny, largest of 5 windows"} < {row["method"] for row in rows}
    assert next(row for row in rows if row["statistic"] == "Spearman")["n"] == "13"
    assert (folder / "out" / "effects.tiny.parquet").is_file()


def test_the_command_says_what_is_wrong_before_it_scores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, genome_path: Path, entry: Entry
) -> None:
    (folder / "doc.md").write_text("no marks")
    assert run(monkeypatch, folder, genome_path, str(entry.folder)) == 1
    assert f"lacks the lines {START}" in capsys.readouterr().err
    assert not (folder / "out").exists()
    (folder / "doc.md").unlink()
    assert run(monkeypatch, folder, genome_path, str(entry.folder)) == 1
    assert "doc.md: cannot be read" in capsys.readouterr().err


def test_tables_of_the_document(tmp_path: Path) -> None:
    rows = [
        Row("held out", "sign", "model", 40, 40, 0.75, 0.7, 0.8, 0.15, 0.05, 0.25),
        Row("held out", "sign", "PWM", 40, 40, 0.6, 0.5, 0.7),
        Row("X", "AUROC", "model", 40, 9, float("nan"), float("nan"), float("nan"), float("nan"), 0.0, 0.0),
        Row("X", "AUROC", "PWM", 40, 9, 0.5, 0.4, 0.6),
    ]
    lines = pivot(rows, "model", "PWM")
    assert (
        lines[2]
        == "| held out | sign | 40 | 0.750 (0.700 to 0.800) | 0.600 (0.500 to 0.700) | +0.150 (+0.050 to +0.250) |"
    )
    assert lines[3].startswith("| X | AUROC | 40 (9) | – (– to –) |")
    lines = by_method([row for row in rows if row.subset == "held out"], "PWM")
    assert lines[0] == "|  | rows | score | sign | minus PWM's |"
    assert lines[2:] == [
        "| held out | 40 | model | 0.750 (0.700 to 0.800) | +0.150 (+0.050 to +0.250) |",
        "|  |  | PWM | 0.600 (0.500 to 0.700) |  |",
    ]
    marks = against_marks(rows, "model", [Mark("held out", "sign", 0.8, "target"), Mark("Y", "AUROC", 0.5, "peer")])
    assert marks[2:] == [
        "| held out | sign | target | 0.8 | 0.750 (0.700 to 0.800) |",
        "| Y | AUROC | peer | 0.5 | – |",
    ]
    table = counts("status", {"a": Counter(ok=2), "b": Counter(ok=1000, bad=1)})
    assert table[2:] == ["| ok | 2 | 1,000 |", "| bad | 0 | 1 |", "| all | 2 | 1,001 |"]
    path = tmp_path / "doc.md"
    path.write_text(f"a\n{START}{END}\nb\n")
    put_figures(path, ["x"])
    put_figures(path, ["x"])
    assert path.read_text() == f"a\n{START}\n\nx\n\n{END}\nb\n"


@pytest.mark.shared_data
def test_the_published_table_is_read_whole(shared_data: Path) -> None:
    data = read_asb(shared_data / "variants" / command.ASB_FILE)
    assert (len(data.alleles), int(data.imbalanced.sum())) == (2605, 672)
    assert set(data.chrom.tolist()) == {"chr19", "chr20", "chr21", "chr22"}
    assert (data.favoured[data.imbalanced] != 0).all()
