"""`tfb cache`: what it says and how it ends."""

from __future__ import annotations

import pytest

from tfb_matrix_data.files import locked

pytest_plugins = ("tests.entries",)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of one downloaded file."""
    monkeypatch.setenv("TFB_DATA", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "published"
    folder.mkdir(parents=True)
    (folder / "a.gz").write_bytes(bytes(10_000))
    return folder


def test_ls(tfb, cache):
    code, out, err = tfb("cache", "ls")
    lines = out.splitlines()
    assert (code, err) == (0, "") and lines[0].startswith(str(cache.parent))
    assert lines[1].split()[:5] == ["published", "12.3", "kB", "1", "files"] and lines[2].split() == ["of", "a.gz"]
    assert lines[-1].split() == ["all", "12.3", "kB", "1", "files"]
    assert [line.split()[0] for line in lines[3:-1]] == ["matrices", "genomes", "features", "identifiers"]


def test_clear(tfb, cache):
    assert tfb("cache", "clear", "genomes")[:2] == (0, "removed 0 files, 0.0 kB\n") and (cache / "a.gz").is_file()
    assert tfb("cache", "clear", "--all")[:2] == (0, "removed 1 files, 12.3 kB\n") and not (cache / "a.gz").exists()


def test_what_is_being_made_is_left_and_said(tfb, cache):
    with locked(cache / ".a.gz.lock", wait=False, held="x"):
        code, out, err = tfb("cache", "clear", "published")
    assert code == 1 and out == "removed 0 files, 0.0 kB\n" and (cache / "a.gz").is_file()
    assert "error: 1 files were left, as another process is making them, such as" in err


@pytest.mark.parametrize("arguments", [(), ("genomes", "--all")])
def test_one_says_what(tfb, cache, arguments):
    code, _, err = tfb("cache", "clear", *arguments)
    assert code == 2 and "name what to clear, or give --all" in err and (cache / "a.gz").is_file()


def test_an_unknown_kind(tfb, cache):
    code, _, err = tfb("cache", "clear", "publisht")
    assert code == 1 and "unknown kind of cache 'publisht'. Did you mean published" in err
