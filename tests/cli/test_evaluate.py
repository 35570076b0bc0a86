"""`tfb evaluate` from files to files, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from kipoi_tfb.zoo.entry import open_entry
from tests import tiny
from tests.entries import run_tfb, write_files
from tfb_matrix_data.sequence import decode

ON_MATRIX = ("--matrix", "MATRIX", "--genome", "GENOME")
QUICK = ("--bootstrap", "20", "--min-bound", "20", "--device", "cpu")


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return tiny.make_entry(tmp_path_factory.mktemp("zoo") / "entry", tiny.trained().network)


@pytest.fixture
def tfb(monkeypatch, capfd, tmp_path, entry, world):
    """Run `tfb evaluate` in an empty folder. (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        valid = {"ENTRY": str(entry.folder), "GENOME": str(world.genome_path), "MATRIX": str(world.matrix_path)}
        return run_tfb(monkeypatch, capfd, ["evaluate", *(valid.get(each, each) for each in arguments)])

    return run


def table(path):
    with open(path) as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def bed_of(world, chrom="chr22"):
    index = world.matrix.regions.on([chrom])
    starts = world.matrix.regions.start[index]
    return "".join(f"{chrom}\t{start}\t{start + 200}\n" for start in starts), world.matrix.labels(regions=index), index


def labels_of(labels):
    lines = ["\t".join("" if value < 0 else str(value) for value in row) for row in labels]
    return "\n".join(["\t".join(tiny.MOTIFS), *lines]) + "\n"


def test_an_entry_on_a_matrix(tfb):
    code, out, _ = tfb("ENTRY", *ON_MATRIX, *QUICK, "-o", "m.tsv", "--json", "m.json", "--plot", "m.svg")
    assert " at 1:1, 0." in out and " at natural prevalence (" in out and "% bound), AUROC 0." in out
    assert code == 0 and "matrix.h5, chr22: macro AUPRC " in out and "over 3 TFs with >= 20 bound regions" in out
    rows = table("m.tsv")
    assert [row["tf"] for row in rows] == list(tiny.MOTIFS) and all(float(row["auprc"]) > 0.7 for row in rows)
    assert all(float(row["auprc_low"]) <= float(row["auprc"]) <= float(row["auprc_high"]) for row in rows)
    assert all(int(row["bound_train"]) > 200 and 0 <= float(row["ece"]) < 0.5 for row in rows)
    (found,) = json.loads(Path("m.json").read_text())["scorers"].values()
    assert found["summary"]["n_tfs"] == 3 and "over 3 TFs, 95 % intervals" in Path("m.svg").read_text()


def test_the_mean_over_moved_windows_beside_the_middle_one(tfb, entry):
    code, out, _ = tfb("ENTRY", *ON_MATRIX, *QUICK, "--shifts", "20,10", "--compare", "ENTRY", "--json", "m.json")
    name = entry.name
    assert code == 0 and f"{name} (mean of 5 windows) against {name}: AUPRC at 1:1 " in out
    both = json.loads(Path("m.json").read_text())["scorers"]
    assert list(both) == [f"{name} (mean of 5 windows)", name]


def test_the_same_regions_as_bed_give_the_same_areas(tfb, world, tmp_path):
    bed, labels, _ = bed_of(world)
    write_files(tmp_path, {"r.bed": bed, "l.tsv": labels_of(labels)})
    assert tfb("ENTRY", *ON_MATRIX, *QUICK, "-o", "a.tsv")[0] == 0
    code, out, _ = tfb("ENTRY", "--regions", "r.bed", "--genome", "GENOME", "--labels", "l.tsv", *QUICK, "-o", "b.tsv")
    assert code == 0 and "on r.bed: macro AUPRC" in out
    # Other unbound regions are drawn, as the TFs' streams go by their names; the natural areas are the same ones.
    for a, b in zip(table("a.tsv"), table("b.tsv"), strict=True):
        assert [a[c] for c in ("tf", "bound", "auroc", "auprc_natural", "ece")] == [
            b[c] for c in ("tf", "bound", "auroc", "auprc_natural", "ece")
        ]
        assert b["bound_train"] == ""


def test_compared_with_a_table(tfb, world, tmp_path):
    bed, labels, _ = bed_of(world)
    noise = np.random.default_rng(0).random(labels.shape)
    rows = [
        "\t".join([*line.split("\t"), *map(str, row)])
        for line, row in zip(bed.split("\n"), noise.tolist(), strict=False)
    ]
    header = "\t".join(["chrom", "start", "end", *tiny.MOTIFS])
    write_files(tmp_path, {"noise.tsv": "\n".join([header, *rows]) + "\n"})
    options = ("--compare", "noise.tsv", *ON_MATRIX, *QUICK, "-o", "m.tsv", "--json", "m.json", "--plot", "m.png")
    code, out, _ = tfb("ENTRY", *options)
    assert code == 0 and "against noise.tsv: AUPRC " in out and "wins 3, ties 0, losses 0" in out
    assert [row["scorer"] for row in table("m.tsv")][2:4] == [table("m.tsv")[0]["scorer"], "noise.tsv"]
    assert "against noise.tsv: AUPRC at natural prevalence " in out
    comparison, natural = json.loads(Path("m.json").read_text())["comparisons"]
    assert (comparison["metric"], natural["metric"]) == ("auprc", "auprc_natural") and natural["wins"] == 3
    assert comparison["wins"] == 3 and len(comparison["tfs"]) == 3 and comparison["tfs"][0]["low"] > 0
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_bound_against_unbound_regions_of_one_tf(tfb, world, tmp_path):
    bed, labels, index = bed_of(world)
    lines = np.array(bed.splitlines())
    windows = world.genome.windows(["chr22"] * len(index), world.matrix.regions.start[index], 200).codes
    files = {}
    for name, value in (("p", 1), ("n", 0)):
        chosen = np.flatnonzero(labels[:, 1] == value)
        files[f"{name}.bed"] = "\n".join(lines[chosen]) + "\n"
        files[f"{name}.fa"] = "".join(f">{i}\n{decode(windows[i])}\n" for i in chosen)
    write_files(tmp_path, files)
    outs = []
    for end, rest in ((".bed", ("--genome", "GENOME")), (".fa", ())):
        code, out, _ = tfb("ENTRY", "--positives", f"p{end}", "--negatives", f"n{end}", "--tf", "JUND", *rest, *QUICK)
        assert code == 0 and f"on p{end} against n{end}: JUND AUPRC " in out and "calibration error" in out
        outs.append(out.split(": JUND")[1])
    assert outs[0] == outs[1]


def test_record(tfb, world, tmp_path):
    entry = tiny.make_entry(tmp_path / "entry", tiny.trained().network)
    quick = ("--bootstrap", "20", "--device", "cpu", "--record")
    code, _, _ = tfb(str(entry.folder), *ON_MATRIX, *quick)
    metrics = open_entry(entry.folder).card.metrics
    assert metrics.auprc_natural > 0.5 and 0 < metrics.prevalence < 1
    assert code == 0 and metrics.n_tfs == 3 and metrics.auprc > 0.9 and metrics.ece is not None
    assert metrics.command == (
        "tfb evaluate tiny --matrix matrix.h5 --genome genome.fa --chromosomes chr22 --kind sparse --seed 0 "
        "--record --bootstrap 20"
    )
    assert [row["tf"] for row in table(entry.folder / "metrics.tsv")] == list(tiny.MOTIFS)


def test_what_is_recorded_of_others_is_over_the_entrys_own_tfs(tfb, world, tmp_path):
    entry = tiny.make_entry(tmp_path / "two", tiny.network(3, 2), name="two", tasks=("SP1", "CTCF"))
    options = ("--compare", "ENTRY", "--bootstrap", "20", "--device", "cpu", "--record", "-o", "m.tsv")
    assert tfb(str(entry.folder), *ON_MATRIX, *options)[0] == 0
    (other,) = {row["scorer"] for row in table("m.tsv")} - {table("m.tsv")[0]["scorer"]}
    areas = {row["tf"]: float(row["auprc"]) for row in table("m.tsv") if row["scorer"] == other}
    (recorded,) = open_entry(entry.folder).card.metrics.baselines.values()
    assert recorded == pytest.approx((areas["SP1"] + areas["CTCF"]) / 2, abs=1e-4)
    assert recorded != pytest.approx(np.mean(list(areas.values())), abs=1e-3)


def test_trained_chromosomes_are_refused(tfb, world, tmp_path):
    code, _, err = tfb("ENTRY", *ON_MATRIX, "--chromosomes", "chr13")
    assert code == 1 and "was trained or validated on chr13; test it on other chromosomes" in err
    bed, labels, _ = bed_of(world, "chr13")
    write_files(tmp_path, {"r.bed": bed, "l.tsv": labels_of(labels)})
    own = ("ENTRY", "--regions", "r.bed", "--genome", "GENOME", "--labels", "l.tsv", *QUICK)
    code, _, err = tfb(*own)
    assert (
        code == 1 and "trained or validated on chr13; test it on other chromosomes (--chromosomes), or give --al" in err
    )
    assert tfb(*own, "--allow-seen")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("ENTRY",), "give --matrix with --genome"),
        (("ENTRY", "--matrix", "MATRIX"), "give --matrix with --genome"),
        (("ENTRY", "--regions", "r.bed", "--labels", "l.tsv"), "--regions needs --genome"),
        (("ENTRY", "--regions", "r.bed", "--genome", "GENOME"), "--labels goes with --regions or --sequences"),
        (("ENTRY", *ON_MATRIX, "--labels", "l.tsv"), "--labels goes with --regions or --sequences"),
        (("ENTRY", "--positives", "p.bed", "--genome", "GENOME"), "--positives, --negatives and --tf go together"),
        (("ENTRY", "--negatives", "p.bed", "--tf", "SP1"), "--positives, --negatives and --tf go together"),
        (("ENTRY", *ON_MATRIX, "--tf", "SP1"), "--tf names the TF of --positives"),
        (("ENTRY", "--sequences", "s.fa", "--labels", "l.tsv", "--positives", "p.fa"), "give one of --regions"),
        (("ENTRY", *ON_MATRIX, "--record", "--tfs", "SP1"), "--record is of all TFs"),
        (("ENTRY", *ON_MATRIX, "--record", "--shifts", "20"), "and of one window for each"),
        (
            ("ENTRY", "--sequences", "s.fa", "--labels", "l.tsv", "--shifts", "20"),
            "--shifts is for regions of a --genome",
        ),
        (("ENTRY", *ON_MATRIX, "--shifts", "far"), "--shifts is BP or BP,STEP"),
        (("t.tsv", *ON_MATRIX, "--record"), "--record writes into a zoo entry"),
    ],
)
def test_wrong_usage(tfb, tmp_path, arguments, complaint):
    write_files(tmp_path, {"t.tsv": "SP1\n1\n"})
    code, _, err = tfb(*arguments)
    words = " ".join(err.replace("│", " ").split())
    assert code == 2 and complaint in words


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("multi16", *ON_MATRIX), "unknown scorer 'multi16'. Did you mean multi163"),
        (("ENTRY", *ON_MATRIX, "--tfs", "SP2"), "unknown TF (in matrix.h5, chr22) 'SP2'. Did you mean SP1"),
        (("ENTRY", *ON_MATRIX, "--chromosomes", "chr99"), "unknown chromosome 'chr99'"),
        (("ENTRY", *ON_MATRIX, "--compare", "ENTRY"), "is given twice; there is nothing to compare"),
        (("ENTRY", *ON_MATRIX, "-o", "m.csv"), "m.csv: the table is written as TSV; end the name with .tsv"),
        (("ENTRY", *ON_MATRIX, "--plot", "m.eps"), "m.eps: cannot draw a figure of the ending '.eps'"),
        (("ENTRY", *ON_MATRIX, "--json", "no/m.json"), "the folder no does not exist"),
        (("t.tsv", *ON_MATRIX), "t.tsv: has 1 rows for 160 regions"),
        (("t.parquet", *ON_MATRIX), "t.parquet: no such file"),
        (("jaspar", *ON_MATRIX, "--shifts", "20"), "--shifts moves the windows of an entry; what is tested is none"),
        (("ENTRY", *ON_MATRIX, "--shifts", "100"), "shifts of up to 100 bp in steps of 10"),
    ],
)
def test_wrong_input(tfb, tmp_path, arguments, complaint):
    write_files(tmp_path, {"t.tsv": "SP1\n1\n"})
    code, _, err = tfb(*arguments)
    assert code == 1 and complaint in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.tsv"]


def test_labels_of_some_cell_types(tfb, world, entry, tmp_path):
    """In tests.tiny all that is bound is bound in K562."""
    half = ("--matrix", str(tiny.half_profiled(world, tmp_path)), "--genome", "GENOME")
    code, every, _ = tfb("ENTRY", *ON_MATRIX, *QUICK, "-o", "every.tsv")
    code, some, err = tfb("ENTRY", *half, *QUICK, "--cells", "K562", "-o", "some.tsv")
    assert code == 0, err
    assert table("some.tsv") == table("every.tsv") and "on half.h5, chr22, in K562:" in some and "in K562" not in every
    code, _, err = tfb("ENTRY", *half, *QUICK, "--cells", "HepG2,K562", "--compare", "composition")
    assert code == 0 and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cells", "K56"), "unknown cell type 'K56'. Did you mean K562"),
        (("--cells", "HepG2", "--tfs", "SP1"), "SP1 was not profiled in HepG2; it was in K562"),
        (("--cells", "K562,HepG2", "--tfs", "JUND,SP1"), "SP1 was not profiled in HepG2; it was in K562"),
        (("--cells", "HepG2"), "no region is bound by any TF"),
    ],
)
def test_cell_types_that_are_refused(tfb, world, tmp_path, arguments, message):
    half = str(tiny.half_profiled(world, tmp_path))
    code, _, err = tfb("ENTRY", "--matrix", half, "--genome", "GENOME", *QUICK, *arguments)
    assert code == 1 and message in err


@pytest.mark.parametrize("option", [("--cells", "K562"), ("--agree", "2")])
def test_cell_types_of_ones_own_labels(tfb, option):
    code, _, err = tfb("ENTRY", "--sequences", "x.fa", "--labels", "x.tsv", *option)
    assert code == 2 and "--cells and --agree are of a --matrix" in " ".join(err.replace("│", " ").split())


def test_bound_regions_on_which_cell_types_agree(tfb, world, entry, tmp_path):
    """All that is bound in tests.tiny is so in K562 alone; here the first of them on chr22 in HepG2 too."""
    path = tmp_path / "agreed.h5"
    n_agreed = tiny.agreed(world, path, "SP1", "chr22")
    on = ("--matrix", str(path), "--genome", "GENOME", "--tfs", "SP1", "--min-bound", "1", "--bootstrap", "0")
    code, out, err = tfb("ENTRY", *on, "--agree", "2", "-o", "two.tsv")
    assert code == 0, err
    assert "on agreed.h5, chr22, bound in 2 or more cell types:" in out
    (row,) = table("two.tsv")
    assert int(row["bound"]) == n_agreed
    code, _, err = tfb("ENTRY", *on, "--agree", "3")
    assert code == 1 and "no region is bound by any TF" in err


def test_outputs_that_are_of_cell_types(tfb, world, entry, tmp_path):
    """Their labels are those of the cell type; an entry of TFs says of each cell type what it says of the TF."""
    path = tmp_path / "agreed.h5"
    n_in_both = tiny.agreed(world, path, "SP1", "chr22")
    cells = tiny.make_entry(tmp_path / "cells", name="cells", tasks=("SP1@K562", "JUND@K562", "SP1@HepG2"))
    on = (str(cells.folder), "--matrix", str(path), "--genome", "GENOME", "--min-bound", "1", "--bootstrap", "10")
    code, out, err = tfb(*on, "--compare", "ENTRY", "-o", "all.tsv")
    assert code == 0, err
    assert "(of all cell types)" in out
    rows = {row["tf"]: int(row["bound"]) for row in table("all.tsv") if row["scorer"] == str(cells.folder)}
    assert rows["SP1@HepG2"] == n_in_both < rows["SP1@K562"] and set(rows) == set(cells.card.tasks)
    assert tfb(*on, "--cells", "HepG2", "-o", "some.tsv")[0] == 0
    assert [row["tf"] for row in table("some.tsv")] == ["SP1@HepG2"]
    assert tfb(*on, "--tfs", "SP1", "-o", "sp1.tsv")[0] == 0
    assert [row["tf"] for row in table("sp1.tsv")] == ["SP1@K562", "SP1@HepG2"]
    code, _, err = tfb(*on, "--cells", "A549")
    assert code == 1 and "has no output of these TFs in these cell types; it has SP1@K562" in err
    code, _, err = tfb(*on, "--compare", "jaspar")
    assert code == 2 and "jaspar has no outputs of cell types" in " ".join(err.replace("│", " ").split())


def test_the_card_says_in_which_cell_types(tfb, world, entry, tmp_path):
    half = ("--matrix", str(tiny.half_profiled(world, tmp_path)), "--genome", "GENOME")
    before = (entry.folder / "card.yaml").read_text()
    try:
        code, _, err = tfb("ENTRY", *half, "--bootstrap", "20", "--device", "cpu", "--cells", "K562", "--record")
        assert code == 0, err
        metrics = open_entry(entry.folder).card.metrics
        assert metrics.cell_types == ("K562",) and metrics.command.endswith("--record --bootstrap 20 --cells K562")
    finally:
        (entry.folder / "card.yaml").write_text(before)
