"""Bad input to the command line: nothing is written, one line says what it was, and there is no traceback."""

from __future__ import annotations

import gzip
import re
import shutil

import h5py
import pytest

from tests.entries import BED, FASTA, REGIONS, SCORE, SEQUENCES, VCF, base, record, write_files

pytest_plugins = ("tests.entries",)


NOISE = bytes(range(256)) * 40
WRONG = "".join(record(pos, base(pos), "A" if base(pos) != "A" else "C") for pos in range(500, 530))
CUT = gzip.compress(BED.encode() * 2000)[:-30]
BAD_INPUT = {
    "bed missing": (REGIONS, {}, r"in\.bed: no such file"),
    "bed empty": (REGIONS, {"in.bed": ""}, r"in\.bed: is empty"),
    "bed binary": (REGIONS, {"in.bed": NOISE}, r"in\.bed, line 1: is (a binary file|not text)"),
    "bed gzip cut": (REGIONS, {"in.bed": CUT}, r"in\.bed: gzip data are damaged or cut off after line \d+"),
    "bed columns": (REGIONS, {"in.bed": BED + "chr1\t5\n"}, r"in\.bed, line 4: 2 column\(s\), expected at least"),
    "bed number": (REGIONS, {"in.bed": BED + "chr1\ta\t9\n"}, r"in\.bed, line 4: start 'a', end '9': expected whole"),
    "bed reversed": (REGIONS, {"in.bed": BED + "chr1\t9\t5\n"}, r"in\.bed, line 4: start 9, end 5"),
    "bed contig": (
        (*REGIONS, "--strict"),
        {"in.bed": BED + "chrQ\t1\t5\n"},
        r"in\.bed, line 4: unknown contig .*'chrQ'.*chr1",
    ),
    "bed beyond": (
        (*REGIONS, "--strict"),
        {"in.bed": BED + "chr1\t1\t9999\n"},
        r"in\.bed, line 4: chr1:1-9999 ends beyond the contig",
    ),
    "bed no summit": ((*REGIONS, "--anchor", "summit"), {"in.bed": BED}, r"in\.bed, line 1: no summit"),
    "anchor": ((*REGIONS, "--anchor", "middle"), {"in.bed": BED}, r"unknown anchor 'middle'\. Valid: centre, summit"),
    "fasta text": (SEQUENCES, {"in.fa": BED}, r"in\.fa, line 1: expected a FASTA header"),
    "fasta protein": (SEQUENCES, {"in.fa": FASTA + ">p\nMKLV\n"}, r"in\.fa, line 3: sequence 'p': character 'L'"),
    "fasta cut": (SEQUENCES, {"in.fa": gzip.compress(FASTA.encode() * 999)[:-9]}, r"in\.fa: gzip data are damaged"),
    "vcf missing": (SCORE, {}, r"in\.vcf: no such file"),
    "vcf empty": (SCORE, {"in.vcf": ""}, r"in\.vcf: is empty; expected VCF"),
    "vcf binary": (SCORE, {"in.vcf": NOISE}, r"in\.vcf: is not VCF"),
    "vcf is bed": (SCORE, {"in.vcf": BED}, r"in\.vcf: is not VCF"),
    "vcf gzip cut": (
        SCORE,  # nothing but the header is left; where records are, see test_score.py
        {"in.vcf": gzip.compress(VCF.encode())[:-4]},
        r"in\.vcf: is damaged or cut off",
    ),
    "vcf spaces": (SCORE, {"in.vcf": VCF + "chr1 5 . A C . . .\n"}, r"in\.vcf, line \d+: has spaces between"),
    "assembly": (
        SCORE,
        {"in.vcf": VCF + WRONG},
        r"REF differs from genome\.fa for 30 of the first 30 alleles \(100%\)",
    ),
    "genome missing": (
        ("predict", "ENTRY", "--regions", "in.bed", "--genome", "no.fa", "-o", "out.tsv"),
        {"in.bed": BED},
        r"no\.fa: no such FASTA file",
    ),
    "genome is bed": (
        ("predict", "ENTRY", "--regions", "in.bed", "--genome", "in.bed", "-o", "out.tsv"),
        {"in.bed": BED},
        r"in\.bed: is not FASTA",
    ),
    "genome gzip": (
        ("predict", "ENTRY", "--regions", "in.bed", "--genome", "g.fa.gz", "-o", "out.tsv"),
        {"in.bed": BED, "g.fa.gz": gzip.compress(FASTA.encode())},
        r"g\.fa\.gz: is compressed by gzip; recompress it: .*bgzip",
    ),
    "tf": ((*REGIONS, "--tfs", "JUNDD"), {"in.bed": BED}, r"unknown TF 'JUNDD'\. Did you mean JUND\?"),
    "entry": (("predict", "multi613", *SEQUENCES[2:]), {"in.fa": FASTA}, r"unknown zoo entry .*'multi613'.*multi163"),
    "no entry": (
        ("predict", ".", *SEQUENCES[2:]),
        {"in.fa": FASTA},
        r"\.: is not a zoo entry \(it has no card\.yaml\)",
    ),
    "device": ((*SEQUENCES, "--device", "tpu9"), {"in.fa": FASTA}, r"device 'tpu9' is not available here .*use cpu"),
    "precision": ((*SEQUENCES, "--precision", "fp8"), {"in.fa": FASTA}, r"unknown precision 'fp8'\. .*fp32"),
    "ending": (
        (*SEQUENCES[:-1], "out.csv"),
        {"in.fa": FASTA},
        r"out\.csv: .*ending '\.csv'; use one of \.tsv, \.parquet",
    ),
    "no folder": ((*SEQUENCES[:-1], "no/out.tsv"), {"in.fa": FASTA}, r"the folder no does not exist; create it first"),
    "config": (
        ("pretrain", "no.yaml", "--matrix", "m.h5", "--genome", "GENOME", "-o", "run"),
        {},
        r"no\.yaml: no such configuration file",
    ),
    "matrix missing": (("data", "info", "no.h5"), {}, r"no\.h5: no such file"),
    "matrix text": (("data", "counts", "in.h5"), {"in.h5": BED}, r"in\.h5: is not a whole HDF5 file"),
    "import": (("data", "import", "no.h5", "-o", "out.h5"), {}, r"no\.h5"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_clear_error(tfb, tmp_path, case):
    arguments, files, message = BAD_INPUT[case]
    write_files(tmp_path, files)
    code, out, err = tfb(*arguments)
    assert (code, out) == (1, "")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and re.search(message, errors[0]), err
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_the_output_may_not_be_a_folder(tfb, tmp_path):
    write_files(tmp_path, {"in.fa": FASTA})
    (tmp_path / "out.tsv").mkdir()
    code, _, err = tfb(*SEQUENCES)
    assert code == 1 and "error: out.tsv: is a folder; give the name of a file to write" in err
    assert {path.name for path in tmp_path.iterdir()} == {"in.fa", "out.tsv"}


def test_an_error_keeps_an_older_output(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": BED + "chr1\tx\t9\n", "out.tsv": "older\n"})
    assert tfb(*REGIONS)[0] == 1
    assert (tmp_path / "out.tsv").read_text() == "older\n"


def test_a_full_disk_says_so(tfb, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    write_files(tmp_path, {"in.fa": FASTA})
    monkeypatch.setattr("pyarrow.csv.write_csv", full)
    code, _, err = tfb(*SEQUENCES)
    assert code == 1 and "error: the disk is full" in err
    assert {path.name for path in tmp_path.iterdir()} == {"in.fa"}


def test_weights_that_are_not_the_cards_are_refused(tfb, tmp_path, entry):
    write_files(tmp_path, {"in.fa": FASTA})
    damaged = shutil.copytree(entry.folder, tmp_path / "damaged")
    weights = damaged / "weights.pt"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    code, _, err = tfb("predict", "damaged", *SEQUENCES[2:])
    assert code == 1 and re.search(r"error: .*damaged/weights\.pt: sha256 is [0-9a-f]{12}\.\.\., the card of", err)
    assert not (tmp_path / "out.tsv").exists()
    code, out, _ = tfb("zoo", "verify", "damaged")
    assert code == 1 and re.search(r"^FAIL  damaged  weights: .*sha256", out, re.M)


@pytest.mark.parametrize("kind", ["truncated", "newer", "older"])
def test_matrices_that_cannot_be_read(tfb, tmp_path, dense_path, kind):
    path = shutil.copy(dense_path, tmp_path / "m.h5")
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-500])
    else:
        with h5py.File(path, "r+") as file:
            file.attrs["layout_version"] = 99 if kind == "newer" else 0
    code, out, err = tfb("data", "info", "m.h5")
    messages = {
        "truncated": "is not a whole HDF5 file (cut off",
        "newer": "has layout version 99, this version reads",
        "older": "import the data again",
    }
    assert (code, out) == (1, "")
    assert messages[kind] in err and err.startswith("error: m.h5: ") and "Traceback" not in err
