"""Files: nothing half-written is ever taken as good, and every unreadable input says what it is."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from Bio import bgzf

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_folder, atomic_path, cache_folder, count_lines, read_lines, sha256

LINES = [(1, "chr1\t10\t20"), (2, ""), (3, "chr2\t30\t40")]
TEXT = b"chr1\t10\t20\n\nchr2\t30\t40\n"


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


def test_atomic_path_says_where_it_may_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    refused = pytest.raises(InputError, match=r"out\.tsv: cannot be written \(permission denied\)")
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


def test_read_lines_of_plain_text(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_bytes(TEXT)
    assert list(read_lines(tmp_path / "a.bed")) == LINES


def test_read_lines_takes_windows_ends_and_a_missing_last_one(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_bytes(TEXT.replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    assert list(read_lines(tmp_path / "a.bed")) == LINES


def test_read_lines_knows_gzip_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_bytes(gzip.compress(TEXT))
    assert list(read_lines(tmp_path / "a.bed")) == LINES


def test_read_lines_of_many_bgzip_blocks(tmp_path: Path) -> None:
    with bgzf.open(tmp_path / "a.gz", "wb") as stream:
        for i in range(30_000):
            stream.write(f"line {i}\n".encode())
    assert list(read_lines(tmp_path / "a.gz")) == [(i + 1, f"line {i}") for i in range(30_000)]


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


LONG = b"".join(b"%d\n" % i for i in range(50_000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.bed: is empty"),
        (gzip.compress(b""), "is empty"),
        (b"chr1\t1\nchr\0\x01\n", "line 2: is a binary file; expected text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is not text .*expected a text file"),
        (gzip.compress(b"a\nb\0\n"), "line 2: is a binary file"),
        (_cut(gzip.compress(LONG)), r"a\.bed: gzip data are damaged or cut off after line \d+"),
        (gzip.compress(TEXT)[:-4], "gzip data are damaged or cut off"),
        (gzip.compress(TEXT)[:12], "gzip data are damaged or cut off after line 0"),
        (gzip.compress(TEXT)[:-8] + bytes(8), "gzip data are damaged or cut off"),
    ],
    ids=["empty", "empty-gz", "nul", "png", "nul-in-gz", "cut-gz", "short-trailer", "header-only", "wrong-crc"],
)
def test_read_lines_says_what_is_wrong_with_a_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.bed").write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_lines(tmp_path / "a.bed"))


def test_read_lines_names_the_line_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_bytes(b"one\ntwo\nthr\xe9e\nfour\n")
    with pytest.raises(InputError, match=r"a\.bed, line 3: is not text"):
        list(read_lines(tmp_path / "a.bed"))


def test_read_lines_of_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file"):
        list(read_lines(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="is a folder; expected a file"):
        list(read_lines(tmp_path))


def test_lines_are_counted_in_any_wrapping_and_damage_is_left_to_the_reader(tmp_path):
    text = b">a\nACGT\n>b\nAC\n"
    (tmp_path / "plain").write_bytes(text)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(text)[:-4])
    counts = [count_lines(tmp_path / name) for name in ("plain", "packed.gz", "cut.gz", "missing")]
    assert counts == [4, 4, 0, 0]
    assert count_lines(tmp_path / "plain", b">") == 2
