"""Files: nothing half-written is ever taken as good, and every unreadable input says what it is."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_folder, atomic_path, cache_folder, check_kept, sha256


def test_the_cache_is_where_tfb_data_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFB_DATA", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"


@pytest.mark.parametrize("unset", [True, False])
def test_the_cache_has_a_default(unset: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFB_DATA") if unset else monkeypatch.setenv("TFB_DATA", "")
    assert cache_folder().is_absolute()
    assert "tfb" in cache_folder().name


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_atomic_path_renames_on_success(tmp_path: Path) -> None:
    target = tmp_path / "scores.vcf.gz"
    with atomic_path(target) as temporary:
        assert temporary.parent.parent == tmp_path and temporary.parent.stat().st_mode & 0o777 == 0o700
        assert temporary.name == target.name, "writers choose the format by the suffix"
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["scores.vcf.gz"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_atomic_path_leaves_nothing_but_the_old_file(
    tmp_path: Path, interruption: type[BaseException], old: str | None
) -> None:
    target = tmp_path / "out.tsv"
    if old:
        target.write_text(old)
    with pytest.raises(interruption), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise interruption
    assert os.listdir(tmp_path) == (["out.tsv"] if old else [])
    assert not old or target.read_text() == old


def test_atomic_path_names_the_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"out\.tsv: the folder .*nowhere does not exist; create it first"):
        atomic_path(tmp_path / "nowhere" / "out.tsv").__enter__()


def test_atomic_path_does_not_write_over_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; give the name of a file"):
        atomic_path(tmp_path).__enter__()


@pytest.mark.parametrize("why", [errno.EACCES, errno.EROFS])
def test_atomic_path_says_where_it_may_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr(os, "replace", refuse)
    refused = pytest.raises(InputError, match=rf"out\.tsv: cannot be written \({os.strerror(why).lower()}\)")
    with refused, atomic_path(tmp_path / "out.tsv") as temporary:
        temporary.write_text("x")
    assert os.listdir(tmp_path) == []


def test_atomic_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "made" / "on" / "the" / "way"
    with atomic_folder(target) as temporary:
        (temporary / "a").write_text("1")
        assert not target.exists()
    assert os.listdir(target) == ["a"]
    assert os.listdir(target.parent) == ["way"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_atomic_folder_leaves_nothing_when_interrupted(tmp_path: Path, interruption: type[BaseException]) -> None:
    with pytest.raises(interruption), atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("half")
        raise interruption
    assert os.listdir(tmp_path) == []


def test_atomic_folder_keeps_the_copy_of_the_process_that_was_first(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with atomic_folder(target) as mine:
        (mine / "a").write_text("mine")
        target.mkdir()
        (target / "a").write_text("theirs")
    assert (target / "a").read_text() == "theirs"
    assert os.listdir(tmp_path) == ["out"]


def test_atomic_folder_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OSError), atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("x")
    assert os.listdir(tmp_path) == ["out"]


def test_atomic_folder_can_be_read_by_others_as_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    with atomic_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_is_read_twice_is_not_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    assert check_kept(tmp_path / "a", "why") == tmp_path / "a"
    assert check_kept(tmp_path / "nothing", "why") == tmp_path / "nothing"
    with pytest.raises(InputError, match="pipe: is a pipe or a device, and it is read twice; write it to a file first"):
        check_kept(tmp_path / "pipe", "it is read twice")
