"""The cache: what it holds is what the FASTA holds now, for every name, order of index and process."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import tfb_matrix_data.genome_cache
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.genome_cache import GenomeCache
from tfb_matrix_data.sequence import decode

FORK = multiprocessing.get_context("fork")
CONTIGS = {name: "".join(random.Random(name).choices("ACGT", k=500)) for name in ("chr1", "chr2", "chr10")}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TFB_DATA", str(folder))
    return folder / "genomes"


@pytest.fixture(params=["g.fa", "g.fa.gz"])
def path(request, tmp_path: Path, write_fasta) -> Path:
    return write_fasta(tmp_path / request.param, CONTIGS)


def all_of(path: Path) -> dict[str, str]:
    genome = Genome(path)
    return {name: decode(genome.codes(name)) for name in genome.lengths}


def cached(cache: Path) -> list[Path]:
    return [path for path in (cache / "contigs").iterdir() if ".iupac" not in path.name]


def rewrite_index(path: Path, change) -> None:
    index = Path(f"{path}.fai")
    index.write_text("".join(change(index.read_text().splitlines(keepends=True))))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (sorted, ["chr1", "chr10", "chr2"]),
        (reversed, ["chr10", "chr2", "chr1"]),
        (lambda lines: lines[1:], ["chr2", "chr10"]),
        (lambda lines: lines[2:] + lines[:1], ["chr10", "chr1"]),
    ],
    ids=["sorted", "reversed", "fewer", "two"],
)
def test_the_order_of_the_index_changes_no_base(path: Path, cache: Path, change, names: list[str]) -> None:
    assert all_of(path) == CONTIGS
    rewrite_index(path, change)
    found = all_of(path)
    assert list(found) == names
    assert found == {name: CONTIGS[name] for name in names}
    assert len(cached(cache)) == 3, "nothing is read twice"


def test_all_names_and_copies_of_a_file_share_the_cache(path: Path, cache: Path, tmp_path: Path, monkeypatch) -> None:
    assert all_of(path) == CONTIGS
    link, elsewhere = tmp_path / f"link-{path.name}", tmp_path / "elsewhere"
    link.symlink_to(path)
    elsewhere.mkdir()
    os.link(path, elsewhere / path.name)
    shutil.copy2(path, tmp_path / f"copy-{path.name}")
    monkeypatch.chdir(elsewhere)
    for other in (link, elsewhere / path.name, Path("..") / path.name, tmp_path / f"copy-{path.name}"):
        assert all_of(other) == CONTIGS
    assert len(cached(cache)) == 3


def test_a_link_reads_nothing_again(path: Path, tmp_path: Path, caplog) -> None:
    all_of(path)
    caplog.clear()
    caplog.set_level(logging.INFO, "tfb_matrix_data.genome_cache")
    link = tmp_path / f"link-{path.name}"
    link.symlink_to(path)
    all_of(link)
    assert not caplog.records


@pytest.mark.parametrize("at", [0, 250_000, 499_999], ids=["first", "between", "last"])
@pytest.mark.parametrize("how", ["in place", "replaced"])
def test_a_base_that_is_changed_is_noticed_with_the_time_kept(tmp_path: Path, write_fasta, at: int, how: str) -> None:
    """Only few blocks of a file are looked at, the time of whose last change tells the rest."""
    bases = "A" * 500_000
    path = write_fasta(tmp_path / "g.fa", {"chr1": bases})
    assert all_of(path) == {"chr1": bases}
    before = path.stat()
    changed = bases[:at] + "C" + bases[at + 1 :]
    if how == "in place":
        content = write_fasta(tmp_path / "new.fa", {"chr1": changed}).read_bytes()
        with open(path, "r+b") as stream:
            stream.write(content)
    else:
        os.replace(write_fasta(tmp_path / "new.fa", {"chr1": changed}), path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns == before.st_mtime_ns
    assert all_of(path) == {"chr1": changed}


@pytest.mark.parametrize("damage", ["cut", "empty", "longer", "other type", "no letters", "no record"])
def test_a_cache_that_is_not_whole_is_made_again(path: Path, cache: Path, damage: str) -> None:
    all_of(path)
    for file in cached(cache):
        content = file.read_bytes()
        if damage == "cut":
            file.write_bytes(content[:-1])
        elif damage == "empty":
            file.write_bytes(b"")
        elif damage == "longer":
            np.save(file, np.zeros(501, np.uint8))
        elif damage == "other type":
            np.save(file, np.zeros(500, np.int64))
        elif damage == "no letters":
            file.with_suffix(".iupac.npy").unlink()
    if damage == "no record":
        for record in cache.glob("files/*/*"):
            record.write_text("")
    assert all_of(path) == CONTIGS


def test_what_changes_while_it_is_read_is_not_kept(path: Path, cache: Path, monkeypatch) -> None:
    genome = Genome(path)
    read = GenomeCache._read

    def touching(self, name):
        found = read(self, name)
        os.utime(path)
        return found

    monkeypatch.setattr(GenomeCache, "_read", touching)
    with pytest.raises(InputError, match=r"g\.fa.*: was changed while it was read; give the same command again"):
        genome.codes("chr1")
    assert not list((cache / "contigs").glob("*.npy"))


def test_a_cache_that_keeps_nothing_is_told(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tfb_matrix_data.genome_cache, "_is", lambda *_: False)
    with pytest.raises(InputError, match="does not keep what is written to it; set TFB_DATA to another folder"):
        Genome(path).codes("chr1")


def test_iupac_letters_are_kept_beside_the_codes(tmp_path: Path, write_fasta) -> None:
    sequence = "ACGTRNyk-acgun" + "A" * (1 << 20) + "M"
    found = GenomeCache(write_fasta(tmp_path / "g.fa", {"chr1": sequence, "chr2": "ACGTN"})).contig("chr1")
    at = np.array([4, 6, 7, len(sequence) - 1])
    assert (found.ambiguous >> 8).tolist() == at.tolist()
    assert found.letters(at).tobytes() == b"RYKM"
    assert found.letters(np.array([0, 5, 8, len(sequence) - 2])).tobytes() == b"NNNN"
    assert decode(found.codes[:14]) == "ACGTNNNNNACGTN"


def test_an_empty_contig_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">chr1\n>chr2\nACGT\n>chr3\n")
    assert all_of(tmp_path / "g.fa") == {"chr1": "", "chr2": "ACGT", "chr3": ""}


def _table(path: Path, out: Path, start) -> None:
    start.wait()
    genome = Genome(path)
    names = list(genome.lengths)
    windows = genome.windows(names, [0] * len(names), 50)
    out.write_text("\n".join(f"{name} {decode(codes)}" for name, codes in zip(names, windows.codes, strict=True)))


@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz"])
@pytest.mark.parametrize("shared", [True, False], ids=["one-cache", "caches-of-their-own"])
def test_many_processes_on_a_fresh_fasta(tmp_path: Path, write_fasta, name: str, shared: bool, monkeypatch) -> None:
    contigs = {f"chr{i}": "".join(random.Random(i).choices("ACGT", k=3000)) for i in range(20)}
    path = write_fasta(tmp_path / name, contigs)
    start, processes = FORK.Event(), []
    for number in range(6):
        if not shared:  # as in containers that mount the same data
            monkeypatch.setenv("TFB_DATA", str(tmp_path / f"cache-{number}"))
        processes.append(FORK.Process(target=_table, args=(path, tmp_path / f"{number}.txt", start)))
        processes[-1].start()
    start.set()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 6
    expected = "\n".join(f"{name} {bases[:50]}" for name, bases in contigs.items())
    assert {(tmp_path / f"{number}.txt").read_text() for number in range(6)} == {expected}
    assert not list(tmp_path.rglob("*.lock")) and not list(tmp_path.rglob("*.part"))


def _mapped(path: Path) -> int:
    """KiB of a file that this process holds in memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    held = 0
    for line in lines:
        if line.endswith(str(path)):
            held += next(int(row.split()[1]) for row in lines if row.startswith("Rss:"))
    return held


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux")
def test_a_process_does_not_grow_by_the_genome_it_reads(tmp_path, write_fasta) -> None:
    size = 1 << 21
    genome = Genome(write_fasta(tmp_path / "g.fa", {"chr1": "ACGTTGCA" * (size // 8)}, width=1 << 16))
    file = Path(genome.codes("chr1").filename)
    starts = np.linspace(0, size - 200, 4096).astype(int)
    genome.windows(["chr1"] * 100, starts[::41][:100], 200)
    assert _mapped(file) > 256
    windows = genome.windows(["chr1"] * 4096, starts, 200)
    assert _mapped(file) < 128
    assert (genome.windows(["chr1"] * 4096, starts, 200).codes == windows.codes).all()
