"""`tfb explain`: what it writes, that it goes on where it was, and what is said of bad input."""

from __future__ import annotations

import re

import h5py
import numpy as np
import pyarrow.parquet
import pyBigWig
import pytest

from kipoi_tfb.interpretation import completeness, files, job
from kipoi_tfb.interpretation.attributions import Explainer
from kipoi_tfb.interpretation.files import read_contributions
from kipoi_tfb.interpretation.job import explain
from kipoi_tfb.interpretation.sources import Source
from kipoi_tfb.prediction.predictor import Predictor
from tests.entries import CONTIGS, VCF, base, record, write_files
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.sequence import encode, one_hot

pytest_plugins = ("tests.entries",)

BED = "chr1\t500\t700\tpeak\n1\t560\t760\nchr2\t1300\t1310\tunknown\n"
FEW = ("--tfs", "JUND", "--shuffles", "2")


def rows_of(path):
    header, *lines = path.read_text().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_regions_as_a_table(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": BED})
    arguments = ("--regions", "in.bed", "--genome", "GENOME", "--tfs", "JUND,ATF4", "--shuffles", "2")
    code, _, err = tfb("explain", "ENTRY", *arguments, "-o", "out.tsv", "--plot", "out.svg")
    assert code == 0, err
    picture = (tmp_path / "out.svg").read_text()
    assert "out.svg: the first 2 windows" in err and ">tiny, deeplift<" in picture
    assert ">JUND   1:560-760   log-odds " in picture and ", of references " in picture and "unknown" not in picture
    assert "3 windows x 2 TFs by deeplift -> out.tsv" in err and "without a known base, which have no contrib" in err
    assert "largest completeness error: " in err
    rows = rows_of(tmp_path / "out.tsv")
    assert len(rows) == 2 * 200 * 2
    assert {row["name"] for row in rows} == {"peak", "1:560-760"} and {row["chrom"] for row in rows} == {"chr1"}
    assert all(row["base"] == base(int(row["pos"])) for row in rows)
    for name in ("peak", "1:560-760"):
        for tf in ("JUND", "ATF4"):
            own = [row for row in rows if row["name"] == name and row["tf"] == tf]
            total = sum(float(row["contribution"]) for row in own)
            difference = float(own[0]["output"]) - float(own[0]["reference"])
            assert total == pytest.approx(difference, abs=1e-5) and abs(difference) > 1e-4
            assert {row["completeness_error"] for row in own} == {own[0]["completeness_error"]}


def test_the_file_of_modisco_and_finemo(tfb, tmp_path, entry, other_entry, monkeypatch):
    write_files(tmp_path, {"in.fa": f">a\n{CONTIGS['chr1'][:200]}\n>b\n{CONTIGS['chr1'][300:420]}\n"})
    arguments = ("--sequences", "in.fa", "--tfs", "JUND,ATF4", "--shuffles", "2", "-o", "out.{tf}.h5")
    code, _, err = tfb("explain", "ENTRY", *arguments)
    assert code == 0, err
    with h5py.File(tmp_path / "out.JUND.h5") as file:
        hot, shap, projected = (file[name][:] for name in ("raw/seq", "shap/seq", "projected_shap/seq"))
        assert file["name"].asstr()[:].tolist() == ["a", "b"] and file["start"][:].tolist() == [0, -40]
        difference = file["output"][:] - file["reference"][:]
        assert file.attrs["method"] == "deeplift" and file.attrs["references"] == "2 dinucleotide shuffles, seed 0"
    assert hot.shape == shap.shape == projected.shape == (2, 4, 200)
    assert np.array_equal(hot[0], one_hot(encode(CONTIGS["chr1"][:200]), np.int8)) and not hot[1, :, :40].any()
    assert np.array_equal(projected, shap * hot)
    np.testing.assert_allclose(projected.sum((1, 2)), difference, atol=1e-5)
    found = read_contributions(tmp_path / "out.ATF4.h5", entry)
    assert found.tf == "ATF4" and np.array_equal(found.one_hot, hot) and found.about.entry == "tiny"
    with pytest.raises(
        InputError, match=r"out\.ATF4\.h5: holds contributions of other weights \(tiny, .*run `tfb expl"
    ):
        read_contributions(tmp_path / "out.ATF4.h5", other_entry)
    with monkeypatch.context() as patch:
        patch.setattr(files, "_MOST_READ", 1)
        with pytest.raises(
            InputError, match="has 2 windows of 200 bp, and at most 1 of 200 bp are read at once; explain fewer"
        ):
            read_contributions(tmp_path / "out.ATF4.h5")
    with pytest.raises(InputError, match=r"in\.fa: is no HDF5 file of `tfb explain`"):
        read_contributions(tmp_path / "in.fa")
    with pytest.raises(InputError, match=r"nothing\.h5: no such file"):
        read_contributions(tmp_path / "nothing.h5")
    with pytest.raises(InputError, match="/dev/zero: is a device; expected a file"):
        read_contributions("/dev/zero")


def _replaced(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


DAMAGED = {
    "raw/seq has shape (), expected (windows, 4, length)": _replaced("raw/seq", 3),
    "raw/seq has shape (0, 4, 200)": _replaced("raw/seq", np.zeros((0, 4, 200), np.int8)),
    "raw/seq is not one-hot": _replaced("raw/seq", np.ones((5, 4, 200), np.int8)),
    "shap/seq is float32 of shape (5, 4, 100), expected numbers of shape (5, 4, 200)": _replaced(
        "shap/seq", np.zeros((5, 4, 100), np.float32)
    ),
    "shap/seq has values that are not finite": _replaced("shap/seq", np.full((5, 4, 200), np.inf, np.float32)),
    "output is float64 of shape (2,)": _replaced("output", np.zeros(2)),
    "name is not a text for each of the 5 windows": _replaced("name", np.zeros(5)),
    "an attribute is not text": lambda file: file.attrs.__setitem__("tf", 3),
    "can't locate attribute: 'method'": lambda file: file.attrs.__delitem__("method"),
}


@pytest.mark.parametrize("said", DAMAGED)
def test_a_damaged_file_of_contributions_is_refused_in_words(tmp_path, said):
    n, path = 5, tmp_path / "c.h5"
    with h5py.File(path, "w") as file:
        hot = one_hot(np.random.default_rng(0).integers(0, 4, (n, 200)).astype(np.uint8), np.int8)
        file["raw/seq"], file["shap/seq"] = hot, hot.astype(np.float32)
        file["start"] = np.arange(n)
        for name in ("output", "reference", "completeness_error"):
            file[name] = np.zeros(n)
        for name in ("name", "allele", "chrom"):
            file[name] = ["a"] * n
        file.attrs.update({**files.About(*"abcde")._asdict(), "tf": "JUND"})
    assert read_contributions(path).tf == "JUND"
    with h5py.File(path, "r+") as file:
        DAMAGED[said](file)
    with pytest.raises(InputError, match=f"c.h5: is no HDF5 file of `tfb explain`.*{re.escape(said)}"):
        read_contributions(path)


def test_both_alleles_of_variants(tfb, tmp_path, entry, genome):
    other = "A" if base(600) != "A" else "C"
    write_files(tmp_path, {"in.vcf": VCF + record(600, other) + record(900) + record(950, "<DEL>")})
    arguments = ("--variants", "in.vcf", "--genome", "GENOME", *FEW)
    code, _, err = tfb("explain", "ENTRY", *arguments, "-o", "out.parquet")
    assert code == 0, err
    assert "6 windows x 1 TFs" in err and "no contributions: 2" in err
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pydict()
    sums, outputs = {}, {}
    for name, allele, value, output in zip(
        table["name"], table["allele"], table["contribution"], table["output"], strict=True
    ):
        sums[name, allele] = sums.get((name, allele), 0) + value
        outputs[name, allele] = output
    name = f"chr1:600:{base(600)}>{other}"
    assert {key[0] for key in sums} == {name, f"chr1:900:{base(900)}>{base(900)}A"}
    effect = outputs[name, "alt"] - outputs[name, "ref"]
    assert abs(effect) > 1e-4 and sums[name, "alt"] - sums[name, "ref"] == pytest.approx(effect, abs=1e-5)
    window = genome.around(["chr1"], [599], 200).codes
    assert outputs[name, "ref"] == pytest.approx(float(Predictor([entry], ["JUND"]).logits(window)[0, 0]), abs=1e-5)


def test_a_track_has_the_mean_of_windows(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": BED, "later.bed": "chr1\t560\t760\n", "first.bed": "chr1\t500\t700\n"})
    arguments = ("--genome", "GENOME", *FEW)
    for name in ("in", "later", "first"):
        code, _, err = tfb("explain", "ENTRY", "--regions", f"{name}.bed", *arguments, "-o", f"{name}.bw")
        assert code == 0, err
    values = {}
    for name in ("in", "later", "first"):
        with pyBigWig.open(str(tmp_path / f"{name}.bw")) as track:
            values[name] = np.array(track.values("chr1", 480, 780))
    assert np.flatnonzero(~np.isnan(values["in"])).tolist() == list(range(20, 280))
    covered = slice(20, 280)
    both = np.stack([values["first"], values["later"]])[:, covered]
    np.testing.assert_allclose(values["in"][covered], np.nanmean(both, axis=0), rtol=1e-4, atol=1e-6)


def test_a_killed_run_goes_on(tmp_path, entry, genome, monkeypatch):
    monkeypatch.setattr(job, "_PIECE", 4)
    lines = [f"chr1\t{start}\t{start + 200}\n" for start in range(200, 2000, 300)]
    write_files(tmp_path, {"in.bed": "".join(lines)})
    source = Source(regions=tmp_path / "in.bed", genome=genome)
    explainer = Explainer(entry, ["JUND"], shuffles=1)
    explain(explainer, source, tmp_path / "whole.tsv")
    calls = []

    def dies(codes, shuffled):
        calls.append(len(codes))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return explainer(codes, shuffled)

    killed = Explainer(entry, ["JUND"], shuffles=1)
    monkeypatch.setattr(killed, "_contributions", dies)
    with pytest.raises(KeyboardInterrupt):
        explain(killed, source, tmp_path / "out.tsv")
    assert calls == [4, 2] and not (tmp_path / "out.tsv").exists()
    summary = explain(explainer, source, tmp_path / "out.tsv")
    assert summary.taken_over == 1 and summary.windows == 6
    assert (tmp_path / "out.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert not (tmp_path / "out.tsv.parts").exists()


def test_above_the_bound_it_says_so(tfb, tmp_path, monkeypatch):
    write_files(tmp_path, {"in.bed": BED})
    monkeypatch.setitem(completeness.BOUNDS, "deeplift", 1e-12)
    code, _, err = tfb("explain", "ENTRY", "--regions", "in.bed", "--genome", "GENOME", *FEW, "-o", "out.tsv")
    assert code == 1
    assert (
        "error: contributions of 2 windows and TFs do not add up: they miss the difference of the logits by more" in err
    )
    assert len({row["completeness_error"] for row in rows_of(tmp_path / "out.tsv")}) == 2


def test_ism_says_that_it_does_not_add_up(tfb, tmp_path):
    write_files(tmp_path, {"in.fa": f">a\n{CONTIGS['chr1'][:200]}\n"})
    code, _, err = tfb("explain", "ENTRY", "--sequences", "in.fa", "--tfs", "JUND", "--method", "ism", "-o", "out.tsv")
    assert code == 0, err
    assert "ism has no completeness" in err
    assert {row["completeness_error"] for row in rows_of(tmp_path / "out.tsv")} == {""}


REST = ("--genome", "GENOME", *FEW)
REGIONS = ("--regions", "in.bed", *REST)
BAD = {
    "picture": (
        ("--sequences", "in.fa", "--plot", "o.eps", "-o", "o.tsv"),
        "cannot draw a figure of the ending '.eps'",
    ),
    "two": (("--regions", "in.bed", "--sequences", "in.fa", "-o", "o.tsv"), "give one of --regions, --sequences and"),
    "none": (("-o", "o.tsv"), "give one of --regions, --sequences and --variants"),
    "genome": (("--regions", "in.bed", "-o", "o.tsv"), "in.bed: regions and variants need --genome"),
    "tf": (("--regions", "in.bed", "--genome", "GENOME", "--tfs", "JUNDD", "-o", "o.tsv"), "Did you mean JUND?"),
    "method": ((*REGIONS, "--method", "lrp", "-o", "o.tsv"), "unknown method 'lrp'. Valid: deeplift, ig, ism"),
    "several": (
        ("--sequences", "in.fa", "-o", "o.h5"),
        "these are 3: choose one with --tfs, or give a name with {tf}",
    ),
    "table": (("--sequences", "in.fa", "-o", "o.{tf}.tsv"), "a table has all TFs, in a column of their own"),
    "ending": (("--sequences", "in.fa", "-o", "o.csv"), "cannot tell the format from the ending '.csv'"),
    "track": (("--sequences", "in.fa", *FEW, "-o", "o.bw"), "o.bw: a track is of --regions of a genome"),
    "unknown": (("--regions", "n.bed", *REST, "-o", "o.tsv"), "n.bed: no window has a known base"),
    "variant": (("--variants", "none.vcf", *REST, "-o", "o.tsv"), "none.vcf"),
    "length": (
        ("--sequences", "in.fa", "--references", "in.fa", "-o", "o.tsv"),
        "in.fa: reference 'a' has 240 bp, but the windows have 200; give references of 200",
    ),
    "folder": (("--sequences", "in.fa", "-o", "no/o.tsv"), "the folder no does not exist"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input(tfb, tmp_path, case):
    arguments, message = BAD[case]
    files = {"in.bed": BED, "in.fa": ">a\n" + "ACGT" * 60 + "\n", "n.bed": "chr2\t1300\t1310\n", "none.vcf": VCF}
    write_files(tmp_path, files)
    code, _, err = tfb("explain", "ENTRY", *arguments)
    assert code == 1 and message in err and "Traceback" not in err, err
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_so_many_regions_are_no_track(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": "chr1\t500\t700\n" * 200_001})
    code, _, err = tfb("explain", "ENTRY", *REGIONS, "-o", "o.bw")
    assert code == 1
    assert (
        "in.bed has 200,001 regions, and at most 200,000 become a track, which is sorted in memory; give them by" in err
    )


def test_an_lstm(tfb, tmp_path):
    write_files(tmp_path, {"in.fa": ">a\n" + "ACGT" * 60 + "\n"})
    code, _, err = tfb("explain", "multi50-danq", "--sequences", "in.fa", "--tfs", "JUND", "-o", "o.tsv")
    assert (
        code == 1 and "DeepLIFT has no rule for LSTM of DanQ" in err and "use ig (integrated gradients) or ism" in err
    )
