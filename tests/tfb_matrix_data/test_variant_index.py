"""The index of variants: one of this very file, in this very state, or a message with the command that makes it."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pysam
import pysam.bcftools
import pytest
from Bio import bgzf

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.variant_index import current_index
from tfb_matrix_data.variant_lines import open_variants

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n##contig=<ID=HLA-A*01:01:01:01>\n"
HEADER += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
HLA = "HLA-A*01:01:01:01"


def text_of(numbers: dict[str, int]) -> str:
    lines = [f"{chrom}\t{10 * i + 10}\t.\tA\tC\t.\t.\t.\n" for chrom, n in numbers.items() for i in range(n)]
    return HEADER + "".join(lines)


def make(path: Path, numbers: dict[str, int], kind: str = ".tbi") -> Path:
    """Write a VCF.gz with an index .tbi or .csi, or a BCF, whatever stood there before."""
    plain = path.with_name("plain.vcf")
    plain.write_text(text_of(numbers))
    if kind == "bcf":
        path = path.with_name(path.name.replace(".vcf.gz", ".bcf"))
        pysam.bcftools.view("-Ob", "-o", str(path), str(plain), catch_stdout=False)
        pysam.bcftools.index("-f", str(path))
    else:
        pysam.tabix_compress(str(plain), str(path), force=True)
        pysam.tabix_index(str(path), preset="vcf", force=True, csi=kind == ".csi")
    plain.unlink()
    return path


def set_age(index: Path, of: Path, seconds: float) -> None:
    time = of.stat().st_mtime - seconds
    os.utime(index, (time, time))


def lines(path: Path, region: str) -> list[str]:
    return [line.decode() for line in open_variants(path, region).lines]


SIZES = [{"chr1": 3}, {"chr1": 40, HLA: 3}, {"chr1": 5000, "chr2": 5000}, {"chr1": 40_000, "chr2": 2, HLA: 30_000}, {}]


@pytest.mark.parametrize("kind", [".tbi", ".csi", "bcf"])
@pytest.mark.parametrize("numbers", SIZES, ids=[str(sum(numbers.values())) for numbers in SIZES])
def test_any_index_of_the_file_itself_is_taken(tmp_path: Path, kind: str, numbers: dict[str, int]) -> None:
    path = make(tmp_path / "a.vcf.gz", numbers, kind)
    index = current_index(path, kind == "bcf")
    assert index.suffix == (".csi" if kind == "bcf" else kind)
    for chrom, n in numbers.items():
        assert len(lines(path, chrom)) == n
        assert len(lines(path, f"{chrom}:10-25")) == 2


@pytest.mark.parametrize("kind", [".tbi", ".csi", "bcf"])
@pytest.mark.parametrize(
    ("region", "n"), [(HLA, 3), (f"{HLA}:20-30", 2), ("HLA-A*01:01:01:01:10", 1), ("chr1", 2), ("1:20", 1)]
)
def test_a_name_with_colons_is_a_contig(tmp_path: Path, kind: str, region: str, n: int) -> None:
    assert len(lines(make(tmp_path / "a.vcf.gz", {"chr1": 2, HLA: 3}, kind), region)) == n


@pytest.mark.parametrize("kind", [".tbi", ".csi", "bcf"])
def test_an_index_that_is_older_than_the_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = make(tmp_path / "a.vcf.gz", {"chr1": 3}, kind)
    index = current_index(path, kind == "bcf")
    set_age(index, path, 24 * 3600)
    command = "bcftools index -f a.bcf" if kind == "bcf" else "tabix -f -p vcf a.vcf.gz"
    with pytest.raises(InputError, match=rf"{index.name}: is older than {path.name}; make it again: {command}"):
        lines(path, "chr1")


def test_copies_may_be_in_any_order(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vcf.gz", {"chr1": 3})
    set_age(Path(f"{path}.tbi"), path, 30)
    assert len(lines(path, "chr1")) == 3


STATES = {
    "more": {"chr1": 4000, "chr2": 4000},
    "fewer": {"chr1": 20},
    "another-contig": {"chr2": 3000},
    "a-contig-before": {"chr1": 1, "chr2": 3000},
    "none": {},
}


@pytest.mark.parametrize("kind", [".tbi", ".csi", "bcf"])
@pytest.mark.parametrize("later", STATES.values(), ids=STATES)
@pytest.mark.parametrize("earlier", [{"chr1": 3000}, {"chr2": 2000, HLA: 2000}], ids=["one", "two"])
def test_the_index_of_another_state_of_the_file_is_refused(tmp_path: Path, kind: str, later, earlier) -> None:
    """However young it is: as if it was copied with the file."""
    path = make(tmp_path / "a.vcf.gz", earlier, kind)
    index = current_index(path, kind == "bcf")
    kept = shutil.copy(index, tmp_path / "kept")
    make(tmp_path / "a.vcf.gz", later, kind)
    os.replace(kept, index)
    with pytest.raises(InputError, match=rf"{index.name}: (is not of this|does not end where) .*make it again: "):
        lines(path, "chr1")


@pytest.mark.parametrize("stale", [".tbi", ".csi"])
def test_of_two_the_current_one_is_taken(tmp_path: Path, stale: str) -> None:
    path = make(tmp_path / "a.vcf.gz", {"chr1": 3}, ".tbi")
    pysam.tabix_index(str(path), preset="vcf", force=True, csi=True)
    set_age(Path(f"{path}{stale}"), path, 24 * 3600)
    assert current_index(path, False).suffix == {".tbi": ".csi", ".csi": ".tbi"}[stale]
    assert len(lines(path, "chr1")) == 3


@pytest.mark.parametrize("content", [b"", b"no index", gzip.compress(b"BAI\1"), gzip.compress(b"TBI\1\2")])
def test_what_is_no_index_is_told(tmp_path: Path, content: bytes) -> None:
    path = make(tmp_path / "a.vcf.gz", {"chr1": 3})
    Path(f"{path}.tbi").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.vcf\.gz\.tbi: cannot be read \(.*make it again: tabix -f -p vcf"):
        lines(path, "chr1")


def test_an_index_that_unpacks_to_gigabytes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.vcf.gz", {"chr1": 3})
    monkeypatch.setattr("tfb_matrix_data.variant_index._MOST_BYTES", 1 << 20)
    Path(f"{path}.tbi").write_bytes(gzip.compress(b"TBI\1" + bytes(1 << 21)))
    match = r"\.tbi: unpacks to more than 1 MB, which is too much for what it should be; make it again: tabix -f -p vcf"
    with pytest.raises(InputError, match=match):
        current_index(path, False)


def test_an_index_that_is_cut_off_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vcf.gz", {"chr1": 3000})
    index = Path(f"{path}.tbi")
    index.write_bytes(index.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"a\.vcf\.gz\.tbi: cannot be read"):
        lines(path, "chr1")


def test_blank_lines_behind_the_last_record_are_no_other_state(tmp_path: Path) -> None:
    path = tmp_path / "a.vcf.gz"
    with bgzf.open(path, "wt") as stream:
        stream.write(text_of({"chr1": 3}))
    pysam.tabix_index(str(path), preset="vcf", force=True)
    time = path.stat().st_mtime + 10
    index = Path(f"{path}.tbi").read_bytes()
    with bgzf.open(path, "wt") as stream:
        stream.write(text_of({"chr1": 3}))
        stream.flush()
        stream.write("\n\n")
    Path(f"{path}.tbi").write_bytes(index)
    os.utime(f"{path}.tbi", (time, time))
    assert len(lines(path, "chr1")) == 3
