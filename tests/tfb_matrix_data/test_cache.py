"""What is kept is listed and cleared, and nobody who is at work in the cache is harmed."""

from __future__ import annotations

import fcntl
import os

import numpy as np
import pytest

from tfb_matrix_data.cache import KINDS, clear, kept
from tfb_matrix_data.errors import UnknownNameError
from tfb_matrix_data.files import cache_folder, locked
from tfb_matrix_data.genome import Genome


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("TFB_DATA", str(tmp_path / "cache"))
    return cache_folder()


@pytest.fixture
def genome_path(tmp_path, write_fasta):
    return write_fasta(tmp_path / "genome.fa", {"chr1": "ACGT" * 5000, "chr2": "GGCA" * 500})


def windows(path):
    return Genome(path).windows(["chr1", "chr2"], [100, 200], 50).codes


def fill(cache):
    """Put a file of every other kind there."""
    for name in (
        "published/matrix.gz",
        "features/abc-def.npy",
        "matrices/a-b.h5",
        "identifiers/dbsnp.vcf.gz-0123.json",
    ):
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_bytes(bytes(9000))


def by_kind():
    return {each.kind: each for each in kept()}


def test_an_empty_cache(cache):
    assert [(each.kind, each.files, each.size) for each in kept()] == [(kind, 0, 0) for kind in KINDS]
    assert clear(list(KINDS)) == type(clear([]))(0, 0, ())


def test_what_is_kept_and_cleared(cache, genome_path):
    before = windows(genome_path)
    fill(cache)
    found = by_kind()
    assert found["published"].names == ("matrix.gz",) and found["identifiers"].names == ("dbsnp.vcf.gz",)
    assert {kind: each.files for kind, each in found.items()} == {
        "published": 1, "matrices": 1, "genomes": 6, "features": 1, "identifiers": 1,
    }  # fmt: skip
    assert all(each.size >= 4096 for each in found.values())
    done = clear(["genomes"])
    assert (done.files, done.size, done.in_use) == (6, found["genomes"].size, ())
    assert by_kind()["genomes"].files == 0 and by_kind()["published"].files == 1
    np.testing.assert_array_equal(windows(genome_path), before)  # read again
    assert by_kind()["genomes"].files == 6 and clear(list(KINDS)).files == 10
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_genome_that_is_open_goes_on(cache, genome_path):
    genome = Genome(genome_path)
    before = genome.windows(["chr1"], [100], 50).codes
    assert clear(["genomes"]).files == 3
    np.testing.assert_array_equal(genome.windows(["chr1"], [100], 50).codes, before)
    assert genome.windows(["chr2"], [100], 50).codes.shape == (1, 50)  # a contig that it had not opened


def test_what_another_process_makes_is_left(cache, genome_path):
    windows(genome_path)
    fill(cache)
    (contig,) = (path for path in (cache / "genomes" / "contigs").glob("*.npy") if path.stat().st_size > 20000)
    key = contig.name.split("-")[0]
    locks = [contig.with_name(f".{key}.lock"), cache / "published" / ".matrix.gz.lock"]
    locks += [cache / "features" / "abc-def.lock", cache / "matrices" / "a-b.lock"]
    for lock in locks:
        with locked(lock, wait=False, held="x"):
            done = clear(list(KINDS))
            kept_back = {path.name.split("-")[0] for path in done.in_use}
            assert kept_back in ({key}, {"matrix.gz"}, {"abc"}, {"a"})
            assert all(path.is_file() for path in done.in_use)
        windows(genome_path)
        fill(cache)
    assert clear(list(KINDS)).in_use == ()


def test_half_written_files_of_the_living_stay_and_of_the_dead_go(cache):
    folder = cache / "published" / ".matrix.gz.abcd0123456789abcdef.part"
    folder.mkdir(parents=True)
    (folder / "matrix.gz").write_bytes(bytes(5000))
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert clear(["published"]).in_use == (folder / "matrix.gz",)
    finally:
        os.close(held)
    assert clear(["published"]).files == 1 and not folder.exists()


def test_indices_of_read_only_folders_stay(cache):
    own = cache / "genomes" / "files" / "0123"
    own.mkdir(parents=True)
    for name in ("index.fai", "index.gzi"):
        (own / name).write_text("chr1\n")
    (own / "genome.fa.gz").symlink_to("/nowhere/genome")
    assert clear(["genomes"]).files == 0 and len(list(own.iterdir())) == 3


def test_an_unknown_kind(cache):
    fill(cache)
    with pytest.raises(UnknownNameError, match=r"unknown kind of cache 'genome'\. Did you mean genomes"):
        clear(["published", "genome"])
    assert by_kind()["published"].files == 1
