"""What is wrong with the tracks of a matrix, and what is said of those that are on no contig."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from tests.tfb_matrix_data.lab import ALL
from tfb_matrix_data import build
from tfb_matrix_data.build import build_matrix
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.matrix import BindingMatrix

pytest_plugins = ("tests.tfb_matrix_data.lab",)

SPOILT = {
    "empty": ({"p": ""}, r"p\.bed: is empty"),
    "no interval": ({"p": "# nothing\n"}, r"p\.bed: has no interval"),
    "no open region": ({"a": "track name=x\n"}, r"a\.bed: has no interval"),
    "open region of 0 bp": ({"a": "chr1\t5\t5\n"}, r"a\.bed: has an interval of 0 bp"),
    "not BED": ({"p": "chr1\t1\t2\nchr1\tx\t2\n"}, r"p\.bed, line 2: start 'x', end '2'"),
    "too few columns": ({"p": "#c\nchr1\t1\t2\nchr1\t1\n"}, r"p\.bed, line 3: 2 column"),
    "end before start": ({"p": "chr1\t1\t2\n\nchr1\t3\t2\n"}, r"p\.bed, line 3: start 3, end 2"),
    "summit outside": (
        {"p": "chr1\t1\t9\t.\t0\t.\t0\t0\t0\t8\n"},
        r"p\.bed, line 1: summit offset 8 of an interval of 8",
    ),
    "other names": ({"p": "2\t1\t2\n"}, r"p\.bed: lies on 2, where no accessible region is \(these are on chr1\)"),
    "no region left": ({"a": "chr1\t1\t9\n", "b": "chr1\t1\t9\n"}, "no region is left: all 1 reach beyond"),
    "too many contigs": ({"a": "".join(f"c{i}\t500\t600\n" for i in range(200))}, "its regions lie on 201 contigs"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_track_is_refused_by_name_and_nothing_is_written(lab, tmp_path: Path, case: str) -> None:
    files, message = SPOILT[case]
    with pytest.raises(InputError, match=message):
        build_matrix(lab(**files), tmp_path / "m.h5")
    assert not list(tmp_path.glob("*m*.h5"))


@pytest.mark.parametrize("kind", ["sizes", "fasta"])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"p": "chr1\t1190\t1191\nchr3\t1\t2\n"}, r"p\.bed, line 2: unknown contig 'chr3'.* assembly of genome"),
        (
            {"p": "chr1\t1190\t1191\nchr1\t6\t6001\n"},
            r"p\.bed, line 2: chr1:6-6001 ends beyond .* \(6,000 bp in genome",
        ),
        ({"b": "chr1\t1\t2\nchr2\t6\t8\n"}, r"b\.bed, line 2: chr2:6-8 ends beyond the contig \(7 bp"),
    ],
)
def test_tracks_of_another_assembly_are_refused_by_line(
    lab, write_fasta, tmp_path: Path, kind: str, files: dict, message: str
) -> None:
    genome = tmp_path / "genome"
    if kind == "fasta":
        genome = write_fasta(tmp_path / "genome.fa", {"chr1": "A" * 6000, "chr2": "ACGTACG"})
    else:
        genome.write_text("chr1\t6000\nchr2\t7\n")
    build_matrix(lab(), tmp_path / "m.h5", genome=genome)
    (tmp_path / "m.h5").unlink()
    with pytest.raises(InputError, match=message):
        build_matrix(lab(**files), tmp_path / "m.h5", genome=genome, strict=True)
    assert not (tmp_path / "m.h5").exists()


def test_intervals_that_are_not_on_the_genome_are_left_out_and_counted(lab, tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "genome").write_text("chr1\t6000\nchr2\t7\n")
    expected = build_matrix(lab(), tmp_path / "m.h5", genome=tmp_path / "genome")
    before = (tmp_path / "m.h5").read_bytes()
    off = "chr3\t1\t2\nchr1\t6\t6001\nchr2\t6\t8\n"
    files = {name: off + (tmp_path / f"{name}.bed").read_text() for name in ("p", "b")}
    report = build_matrix(lab(**files), tmp_path / "m.h5", genome=tmp_path / "genome")
    assert (tmp_path / "m.h5").read_bytes() == before and report.codes == expected.codes
    assert report.n_off == 3 and [track.n_off for track in report.tracks] == [3]
    for name in ("p", "b"):
        said = next(r.getMessage() for r in caplog.records[::-1] if r.getMessage().startswith(f"{name}.bed: "))
        assert said.endswith("; left out 1 on contigs that the genome lacks and 2 that end beyond their contig")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("genome", ["chr1", "1", "NC_000001.11", ""])
@pytest.mark.parametrize(("opened", "peaks"), [("chr1", "1"), ("1", "chr1"), ("1", "1"), ("NC_000001.11", "chr1")])
def test_other_spellings_of_contigs_are_the_same_contigs(
    lab, tmp_path: Path, caplog, genome: str, opened: str, peaks: str, strict: bool
) -> None:
    caplog.set_level(logging.INFO)
    sizes = tmp_path / "sizes"
    sizes.write_text(f"{genome}\t10000\n")
    sheet = lab(ALL)
    build_matrix(sheet, tmp_path / "as-ever.h5")
    files = {"a": opened, "b": opened, "p": peaks, "s": "1"}
    for name, contig in files.items():
        (tmp_path / f"{name}.bed").write_text((tmp_path / f"{name}.bed").read_text().replace("chr1", contig))
    caplog.clear()
    report = build_matrix(sheet, tmp_path / "m.h5", sizes if genome else None, strict=strict)
    found, expected = (BindingMatrix(tmp_path / name) for name in ("m.h5", "as-ever.h5"))
    assert found.regions.chrom_names == [genome or opened] and report.n_off == 0
    np.testing.assert_array_equal(found.labels(found.tfs), expected.labels(expected.tfs))
    np.testing.assert_array_equal(found.regions.start[:], expected.regions.start[:])
    told = caplog.text.count(" contig names differ, reconciled: ")
    assert told == sum(contig != (genome or opened) for contig in files.values())


def test_two_spellings_in_one_track_are_one_contig(lab, tmp_path: Path) -> None:
    report = build_matrix(lab(a="chr1\t1000\t1300\n1\t1250\t1400\nchr1\t5000\t5100\n"), tmp_path / "m.h5")
    assert report.n_merged == 2 and BindingMatrix(tmp_path / "m.h5").regions.chrom_names == ["chr1"]


def test_a_track_none_of_which_is_on_the_genome_is_refused(lab, tmp_path: Path) -> None:
    (tmp_path / "genome").write_text("chr1\t6000\n")
    message = r"p\.bed: no interval is on the contigs of genome, which are chr1; found chr3, chr4; is this the right"
    with pytest.raises(InputError, match=message):
        build_matrix(lab(p="chr3\t1\t2\nchr4\t1\t2\n"), tmp_path / "m.h5", genome=tmp_path / "genome")


PEAK = "chr1\t1100\t1300\tp\t0\t.\t5.5\t-1\t2.25\t"


IDR = PEAK + "{}\t0.5\t1.2\t1090\t1310\t4.5\t100\t1095\t1305\t3.5\t104\n"


@pytest.mark.parametrize(
    ("peaks", "column", "said", "bound"),
    [
        (PEAK + "10\n", "", "summits of 1 peaks", [1, 0]),
        (PEAK + "10.0\n", "", "summits of 1 peaks", [1, 0]),
        (PEAK + "10\t\n", "", "summits of 1 peaks", [1, 0]),
        (IDR.format(10), "", "summits of 1 peaks", [1, 0]),
        (IDR.format(10), "summit", "summits of 1 peaks", [1, 0]),
        (PEAK + "-1\n" + PEAK + "10\n", "", "summits; centres of 1 without one of 2 peaks", [1, 1]),
        (IDR.format(10), "centre", "centres of 1 peaks", [0, 1]),
        (PEAK + "-1\n", "", "centres of 1 peaks", [0, 1]),
    ],
    ids=["narrowPeak", "10.0", "tab at the end", "20 columns", "said", "one without", "centre", "none"],
)
def test_the_anchor_of_every_track_is_said(
    lab, tmp_path: Path, caplog, peaks: str, column: str, said: str, bound: list[int]
) -> None:
    caplog.set_level(logging.INFO)
    # Regions 950-1150, where the summit 1110 is, and 1130-1330, where the centre 1200 is.
    lab(p=peaks, a="chr1\t1000\t1100\nchr1\t1210\t1250\n")
    rows = f"accessible\ta.bed\t\tK562\npeaks\tp.bed\tJUND\tK562\t{column}\n"
    (tmp_path / "samples.tsv").write_text(f"kind\tpath\ttf\tcell_type\tanchor\n{rows}")
    report = build_matrix(tmp_path / "samples.tsv", tmp_path / "m.h5")
    assert f"p.bed: {said}" in caplog.messages
    assert report.tracks[0].n_summits == said.startswith("summits")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.labels(["JUND"])[:, 0].tolist() == bound


def test_an_output_without_a_folder_is_refused_before_the_work(lab, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; create it first"):
        build_matrix(lab(p="not BED"), tmp_path / "nowhere" / "m.h5")


def test_an_interrupted_build_leaves_the_older_file(lab, tmp_path: Path, monkeypatch) -> None:
    build_matrix(lab(), tmp_path / "m.h5")
    before = (tmp_path / "m.h5").read_bytes()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for module, name in ((build, "_match"), (build, "_event_list")):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, name, interrupt)
            build_matrix(lab(ALL), tmp_path / "m.h5")
    monkeypatch.setattr("tfb_matrix_data.layout._write_vector", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_matrix(lab(ALL), tmp_path / "m.h5")
    assert (tmp_path / "m.h5").read_bytes() == before
    assert not list(tmp_path.glob("*.part*"))
