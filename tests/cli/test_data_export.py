"""`tfb data export` and `tfb data sample` on the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pyBigWig
import pytest

from tests import tiny

pytest_plugins = ("tests.entries",)


@pytest.fixture
def data(tfb, world: tiny.World):
    """Run `tfb data COMMAND MATRIX ...`."""
    return lambda command, *arguments: tfb("data", command, str(world.matrix_path), *arguments)


def test_export_to_every_format(data, world: tiny.World, tmp_path: Path) -> None:
    bound = int((world.codes[:, 1] == tiny.BOUND).sum())
    for name in ("j.bed", "j.bedGraph", "j.bw"):
        code, out, err = data("export", "JUND", "--genome", str(world.genome_path), "-o", name)
        assert (code, out) == (0, "")
        assert f"{bound:,} bound regions of JUND in {bound:,} intervals -> {name}" in err
        assert "without coordinates, and so not in the file: 0" in err
    assert len((tmp_path / "j.bed").read_text().splitlines()) == bound
    with pyBigWig.open("j.bw") as track:
        assert track.header()["nBasesCovered"] == 200 * bound
    code, _, err = data("export", "SP1,JUND,SP1", "-o", "labels.parquet")
    assert code == 0 and "regions x 2 TFs -> labels.parquet" in err
    assert pq.read_schema("labels.parquet").names == ["region", "chrom", "start", "end", "SP1", "JUND"]
    assert data("export", "all", "-o", "labels.tsv", "--kind", "less_sparse")[0] == 0
    assert (tmp_path / "labels.tsv").read_text().startswith("region\tchrom\tstart\tend\tCTCF\tJUND\tSP1\n")


def test_export_of_another_label_in_one_cell_type(data, tmp_path: Path) -> None:
    (tmp_path / "sizes").write_text("".join(f"{name}\t999999\n" for name in tiny.CONTIGS))
    code, _, err = data(
        "export", "SP1", "--label", "unbound", "--cell-types", "HepG2", "--sizes", "sizes", "-o", "s.bigWig"
    )
    assert code == 0 and "unbound regions of SP1" in err


def test_a_genome_that_spells_contigs_another_way_gives_lengths(data, world: tiny.World, tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(world.genome_path.read_text().replace(">chr", ">"))
    assert data("export", "SP1", "--genome", "g.fa", "-o", "s.bw")[0] == 0
    with pyBigWig.open("s.bw") as track:
        assert set(track.chroms()) == set(tiny.CONTIGS)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export", "SP1", "-o", "o.bw"], 1, "a bigWig needs the lengths of the chromosomes: give --genome FASTA"),
        (["export", "SP1,JUND", "-o", "o.bed"], 1, "is of one TF; for several give .parquet"),
        (["export", "SP2", "-o", "o.bed"], 1, "unknown TF 'SP2'. Did you mean SP1"),
        (["export", "SP1", "-o", "o.doc"], 1, "cannot tell the format from the ending '.doc'"),
        (["export", "SP1", "--label", "bound", "-o", "o.parquet"], 2, "a table has all labels"),
        (["export", "SP1", "--genome", "a", "--sizes", "b", "-o", "o.bw"], 2, "either --genome or --sizes"),
        (["export", "SP1", "--sizes", "nowhere", "-o", "o.bw"], 1, "nowhere: no such file"),
        (["sample", "SP2", "--genome", "GENOME", "-o", "o.tsv"], 1, "unknown TF 'SP2'"),
        (["sample", "SP1", "--genome", "GENOME", "-o", "o.bed"], 1, "cannot tell the format from the ending '.bed'"),
        (["sample", "SP1", "--genome", "GENOME", "--split", "best", "-o", "o.tsv"], 2, "unknown split 'best'"),
        (
            ["sample", "SP1", "--genome", "G", "--split", "paper", "--test", "chr22", "-o", "o.tsv"],
            2,
            "are for the split",
        ),
        (
            ["sample", "SP1", "--genome", "WORLD", "--n-bound", "9999", "-o", "o.tsv"],
            1,
            "cannot take 9999 bound regions",
        ),
        (["sample", "SP1", "--genome", "WORLD", "--test", "chr16", "-o", "o.tsv"], 1, "chr16 cannot be both test and"),
        (
            ["sample", "SP1", "--genome", "WORLD", "--cells", "K56", "-o", "o.tsv"],
            1,
            "unknown cell type 'K56'. Did you",
        ),
        (["sample", "SP1", "--genome", "WORLD", "--exclude", "nowhere", "-o", "o.tsv"], 1, "nowhere: no such file"),
    ],
)
def test_faults_are_named(data, world: tiny.World, tmp_path: Path, arguments: list, code: int, message: str) -> None:
    command, *rest = [str(world.genome_path) if argument == "WORLD" else argument for argument in arguments]
    found, _, err = data(command, *rest)
    assert found == code
    assert message in " ".join(err.replace("│", " ").split())
    assert not list(tmp_path.glob("o.*"))


def _rows(path: Path) -> list[dict]:
    with open(path) as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_sample_prints_counts_and_says_what_ran_short(data, world: tiny.World, tmp_path: Path) -> None:
    genome = ("--genome", str(world.genome_path))
    code, out, err = data("sample", "JUND", *genome, "-o", "all.tsv")
    counts = [line.split("\t") for line in out.splitlines()]
    assert code == 0 and [row[0] for row in counts] == ["part", "train", "validation", "test", "total"]
    rows = _rows(tmp_path / "all.tsv")
    for name, bound, unbound in (row[:3] for row in counts[1:4]):
        labels = [row["label"] for row in rows if row["split"] == name]
        assert (labels.count("1"), labels.count("0")) == (int(bound), int(unbound))
    assert "windows with an N, left out: " in err and "unbound regions too few of GC 0." in err

    # Nested, repeatable, and disjoint from what is excluded.
    for name, arguments in (
        ("50", ["--n-bound", "50"]),
        ("50 again", ["--n-bound", "50"]),
        ("others", ["--exclude", "50.tsv", "--seed", "7"]),
        ("random", ["--split", "paper"]),
    ):
        assert data("sample", "JUND", *genome, *arguments, "-o", f"{name}.tsv")[0] == 0
    assert (tmp_path / "50.tsv").read_bytes() == (tmp_path / "50 again.tsv").read_bytes()
    all_, fifty, others, random = (
        {row["region"]: row["split"] for row in _rows(tmp_path / f"{name}.tsv")}
        for name in ("all", "50", "others", "random")
    )
    assert set(fifty.items()) < set(all_.items())
    assert not set(fifty) & set(others) and others
    assert {"chr16"} & {row["chrom"] for row in _rows(tmp_path / "random.tsv")}
    assert list(random.values()).count("train") > 6 * list(random.values()).count("test")


def test_sample_of_some_cell_types(tfb, world: tiny.World, tmp_path: Path) -> None:
    """In tests.tiny all that is bound is bound in K562."""
    half = str(tiny.half_profiled(world, tmp_path))
    genome = ("--genome", str(world.genome_path))
    assert tfb("data", "sample", half, "SP1", *genome, "-o", "every.tsv")[0] == 0
    assert tfb("data", "sample", half, "SP1", *genome, "--cells", "K562", "-o", "some.tsv")[0] == 0
    assert _rows(tmp_path / "some.tsv") == _rows(tmp_path / "every.tsv")
    code, _, err = tfb("data", "sample", half, "SP1", *genome, "--cells", "HepG2", "-o", "none.tsv")
    assert code == 1 and "SP1 was not profiled in HepG2; it was in K562" in err
    assert not (tmp_path / "none.tsv").exists()
