"""The index of a VCF that we wrote: whole, or not there."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from kipoi_tfb.variants.vcf_index import SortCheck, write_index
from tests.entries import VCF, record


@pytest.fixture
def vcf(tmp_path: Path) -> Path:
    plain = tmp_path / "plain.vcf"
    plain.write_text(VCF + "".join(record(pos) for pos in range(500, 560)))
    pysam.tabix_compress(str(plain), str(tmp_path / "out.vcf.gz"))
    plain.unlink()
    return tmp_path / "out.vcf.gz"


@pytest.mark.parametrize(("last", "suffix"), [(559, ".tbi"), (1 << 30, ".csi")])
def test_it_is_the_index_that_tabix_makes(vcf, last, suffix):
    sorting = SortCheck()
    sorting.last = last
    for other in (".tbi", ".csi"):
        vcf.with_name(vcf.name + other).write_text("an older one")
    assert write_index(vcf, sorting) == []
    assert sorted(path.name for path in vcf.parent.iterdir()) == [vcf.name, vcf.name + suffix]
    with pysam.TabixFile(str(vcf), index=str(vcf) + suffix) as opened:
        assert len(list(opened.fetch("chr1", 509, 519))) == 10


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no space left")])
def test_half_an_index_is_never_there(vcf, monkeypatch, error):
    def cut_off(_path: str, index: str, **_: object) -> None:
        Path(index).write_bytes(b"half")
        raise error

    monkeypatch.setattr(pysam, "tabix_index", cut_off)
    if error is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            write_index(vcf, SortCheck())
    else:
        (said,) = write_index(vcf, SortCheck())
        assert said == f"{vcf}: is written, but could not be indexed (no space left)"
    assert list(vcf.parent.iterdir()) == [vcf]


def test_what_is_not_sorted_has_no_index(vcf):
    sorting = SortCheck()
    sorting.fault = "chr1:5 stands after chr1:9"
    assert "without an index, since that is not sorted (chr1:5 stands after chr1:9)" in write_index(vcf, sorting)[0]
    assert list(vcf.parent.iterdir()) == [vcf]
