"""What surrounds a FASTA on disk, indices and caches: stale, cut off, read-only or replaced, never a wrong base."""

from __future__ import annotations

import gzip
import os
import pickle
import random
from pathlib import Path

import pyfaidx
import pytest
from Bio import bgzf

import tfb_matrix_data.fasta_index
import tfb_matrix_data.genome_cache
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode

LONG = {name: "".join(random.Random(name).choices("ACGT", k=200_000)) for name in ("chr1", "chr2")}


@pytest.fixture
def no_fetch(monkeypatch: pytest.MonkeyPatch):
    """Return a function after whose call pyfaidx may read no sequence."""

    def forbid() -> None:
        def fetch(*_: object) -> None:
            raise AssertionError("the FASTA was read")

        monkeypatch.setattr(pyfaidx.Faidx, "fetch", fetch)

    return forbid


def _codes_or_refusal(path: Path, truth: dict[str, str]) -> None:
    """Every contig is right, or its file is refused."""
    try:
        genome = Genome(path)
        found = {name: decode(genome.codes(name)) for name in genome.lengths}
    except InputError:
        return
    assert found == truth, "wrong sequence, silently"


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz"])
def test_the_cache_is_used_the_second_time(write_fasta, tmp_path: Path, name: str, no_fetch) -> None:
    path = write_fasta(tmp_path / name, {"chr1": "ACGTT"})
    assert decode(Genome(path).codes("chr1")) == "ACGTT"
    no_fetch()
    assert decode(Genome(path).codes("chr1")) == "ACGTT"


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz"])
@pytest.mark.parametrize("first", ["chr1", "c" * 400])
def test_a_byte_order_mark_is_no_part_of_the_genome(tmp_path: Path, name: str, first: str) -> None:
    contigs = {first: LONG["chr1"][:1000], "chr2": LONG["chr2"][:70]}
    text = "\ufeff" + "".join(f">{contig}\n{bases}\n" for contig, bases in contigs.items())
    with bgzf.open(tmp_path / name, "wb") if name.endswith(".gz") else open(tmp_path / name, "wb") as stream:
        stream.write(text.encode())
    for _ in range(2):  # the index made, and the index found
        genome = Genome(tmp_path / name)
        assert {contig: decode(genome.codes(contig)) for contig in genome.lengths} == contigs
    index = (tmp_path / f"{name}.fai").read_text().splitlines()
    assert index[0].split("\t")[2] == str(len(f"\ufeff>{first}\n".encode()))


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz", "g"])
@pytest.mark.parametrize("kind", ["plain", "bgzip", "gzip"])
def test_what_a_genome_is_is_told_by_its_content(write_fasta, tmp_path: Path, name: str, kind: str) -> None:
    made = write_fasta(tmp_path / ("made.gz" if kind == "bgzip" else "made"), {"chr1": "ACGTT", "chr2": "GG"})
    data = made.read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(data) if kind == "gzip" else data)
    if kind == "gzip":
        with pytest.raises(InputError, match=rf"{name}: is compressed by gzip; recompress it: gunzip -c IN \| bgzip >"):
            Genome(tmp_path / name)
        return
    assert decode(Genome(tmp_path / name).codes("chr2")) == "GG"
    assert decode(Genome(tmp_path / name).codes("chr1")) == "ACGTT"


def test_a_changed_fasta_is_read_again(write_fasta, tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "g.fa", {"chr1": "ACGTT"})
    os.utime(path, ns=(10**18, 10**18))
    Genome(path).codes("chr1")
    write_fasta(path, {"chr1": "TTTTT"})
    (tmp_path / "g.fa.fai").unlink()
    assert decode(Genome(path).codes("chr1")) == "TTTTT"


def test_two_files_of_one_name_do_not_share_a_cache(write_fasta, tmp_path: Path) -> None:
    for folder, sequence in (("a", "ACGTT"), ("b", "TTTTT")):
        (tmp_path / folder).mkdir()
        path = write_fasta(tmp_path / folder / "g.fa", {"chr1": sequence})
        os.utime(path, ns=(10**18, 10**18))
        assert decode(Genome(path).codes("chr1")) == sequence


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz"])
def test_a_genome_travels_to_another_process(write_fasta, tmp_path: Path, name: str, no_fetch) -> None:
    genome = Genome(write_fasta(tmp_path / name, LONG))
    genome.codes("chr1")
    data = pickle.dumps(genome)
    assert len(data) < 2000, "the codes were copied into the pickle"
    no_fetch()
    assert decode(pickle.loads(data).windows(["chr1"], [5], 20).codes[0]) == LONG["chr1"][5:25]  # noqa: S301


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz"])
@pytest.mark.parametrize("indexed", [(), (".fai",)], ids=["no-index", "fai-only"])
def test_a_read_only_folder_stays_as_it_is(write_fasta, tmp_path: Path, monkeypatch, name: str, indexed) -> None:
    # Tests may run as root, whom no permission stops: the check is replaced and the folder looked at.
    path = write_fasta(tmp_path / name, {"chr1": "ACGTT", "chr2": "GG"})
    pyfaidx.Fasta(str(path)).close()
    for suffix in {".fai", ".gzi"} - set(indexed):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    before = sorted(p.name for p in tmp_path.iterdir())
    monkeypatch.setattr(tfb_matrix_data.fasta_index, "_can_write", lambda folder: False)
    for _ in range(2):
        assert decode(Genome(path).codes("chr2")) == "GG"
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_folder_is_written_to_by_trial(tmp_path: Path) -> None:
    assert tfb_matrix_data.fasta_index._can_write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not tfb_matrix_data.fasta_index._can_write(tmp_path / "nowhere")


def _shorten(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    for suffix in (".fai", ".gzi"):  # as current as rsync -t would leave them
        if Path(f"{path}{suffix}").exists():
            os.utime(f"{path}{suffix}", ns=(path.stat().st_mtime_ns + 10**9,) * 2)


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed-before", "no-index"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9, 0.999])
def test_a_bgzip_file_that_is_cut_off_is_refused(write_fasta, tmp_path: Path, indexed: bool, share: float) -> None:
    path = write_fasta(tmp_path / "g.fa.gz", LONG)
    if indexed:
        Genome(path)
    _shorten(path, int(share * path.stat().st_size))
    with pytest.raises(InputError, match=r"g\.fa\.gz: (contig chr\d cannot be read|cannot be indexed|is cut off)"):
        genome = Genome(path)
        for name in LONG:
            genome.codes(name)


def test_a_bgzip_file_that_is_cut_between_two_blocks_is_refused(write_fasta, tmp_path: Path) -> None:
    # No block is damaged then; only the 28 bytes that end every bgzip file are missing.
    path = write_fasta(tmp_path / "g.fa.gz", LONG)
    data = path.read_bytes()
    block = data.index(b"\x1f\x8b\x08\x04", len(data) // 3)
    _shorten(path, block)
    with pytest.raises(InputError, match=r"g\.fa\.gz: .*(cut off|EOF marker not found)"):
        genome = Genome(path)
        for name in genome.lengths:
            genome.codes(name)


@pytest.mark.parametrize("missing", [1, 3, 4, 5, 7])
def test_an_index_longer_than_the_file_is_noticed(write_fasta, tmp_path: Path, missing: int) -> None:
    # 4 missing bytes leave one base of chr2, which must not be taken for all of them.
    path = write_fasta(tmp_path / "g.fa", {"chr1": "ACGTACGT", "chr2": "ACGTA"})
    Genome(path)
    _shorten(path, path.stat().st_size - 1 - missing)
    with pytest.raises(
        InputError, match=r"g\.fa\.fai: is not of this FASTA \(chr2: .*delete g\.fa\.fai.*g\.fa cut off\?"
    ):
        Genome(path)
    Path(f"{path}.fai").unlink()
    assert decode(Genome(path).codes("chr2")) == "ACGTA"[:-missing], "a wrong index left something in the cache"


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz"])
@pytest.mark.filterwarnings("ignore:Index file:RuntimeWarning", "ignore:BGZF Index:RuntimeWarning")
@pytest.mark.parametrize(
    "later",
    [
        {"chr2": "GGGGGGGG", "chr1": "ACGTACGT"},
        {"chr1": "TTTT", "chr2": "GGGGGGGGGGGG"},
        {"chr1": "ACGTACGT", "chr2": "GGGGGGGG", "chr3": "TT"},
        {"chr1": "CCCCCCCC", "chr2": "AAAAAAAA"},
    ],
    ids=["other-order", "other-lengths", "one-more", "other-bases"],
)
def test_the_index_of_a_replaced_fasta_gives_no_wrong_base(write_fasta, tmp_path: Path, name: str, later: dict) -> None:
    path = write_fasta(tmp_path / name, {"chr1": "ACGTACGT", "chr2": "GGGGGGGG"})
    Genome(path).codes("chr1")
    for file in tmp_path.iterdir():  # all of it older than what comes now
        os.utime(file, ns=(10**18, 10**18))
    write_fasta(path, later)
    _codes_or_refusal(path, later)


def test_a_full_disk_is_noticed_before_writing(write_fasta, tmp_path: Path, monkeypatch) -> None:
    path = write_fasta(tmp_path / "g.fa", {"chr1": "ACGT"})
    usage = tfb_matrix_data.genome_cache.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(tfb_matrix_data.genome_cache.shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(InputError, match="10 bytes free, 4 needed for chr1; set TFB_DATA to another disk"):
        Genome(path).codes("chr1")
