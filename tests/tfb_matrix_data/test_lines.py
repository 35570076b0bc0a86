"""Lines: a file is read once and whole, whatever wraps it, and every unreadable one says what it is."""

from __future__ import annotations

import errno
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from Bio import bgzf
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data import blocks
from tfb_matrix_data.errors import InputError
from tfb_matrix_data.lines import count_lines, open_text, read_lines

LINES = [(1, "chr1\t10\t20"), (2, ""), (3, "chr2\t30\t40")]
TEXT = b"chr1\t10\t20\n\nchr2\t30\t40\n"
BOM = b"\xef\xbb\xbf"


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
    with pytest.raises(InputError, match="/dev/zero: is a device; expected a file or a pipe"):
        list(read_lines("/dev/zero"))
    with pytest.raises(InputError, match="/dev/null: is empty"):
        list(read_lines("/dev/null"))


def test_what_cannot_be_opened_is_said_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.bed").write_bytes(TEXT)
    damaged = OSError(errno.EIO, os.strerror(errno.EIO))
    monkeypatch.setattr("builtins.open", Mock(side_effect=damaged))
    with pytest.raises(InputError, match=r"a\.bed: cannot be read \(Input/output error\)"):
        list(read_lines(tmp_path / "a.bed"))


def test_lines_are_counted_in_any_wrapping_and_damage_is_left_to_the_reader(tmp_path):
    text = b">a\nACGT\n>b\nAC\n"
    (tmp_path / "plain").write_bytes(text)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(text)[:-4])
    counts = [count_lines(tmp_path / name) for name in ("plain", "packed.gz", "cut.gz", "missing")]
    assert counts == [4, 4, 4, None]
    assert count_lines(tmp_path / "plain", b">") == 2


def test_a_pipe_is_not_counted_but_left_to_its_reader(pipe: Callable[..., Path]) -> None:
    path = pipe(TEXT)
    assert count_lines(path) is None
    assert list(read_lines(path)) == LINES


def bgzip(text: bytes, folder: Path) -> bytes:
    with bgzf.open(folder / "packed", "wb") as stream:
        stream.write(text)
    return (folder / "packed").read_bytes()


@pytest.mark.parametrize("first", [1, 2, 17, 1 << 20], ids="{} bytes at first".format)
@pytest.mark.parametrize("wrapping", ["plain", "gzip", "bgzip"])
def test_a_pipe_gives_all_lines_however_they_come(tmp_path: Path, pipe, wrapping: str, first: int) -> None:
    text = "".join(f"line {i}\n" for i in range(60_000)).encode()  # more than a pipe or a buffer holds
    data = {"plain": bytes, "gzip": gzip.compress, "bgzip": lambda text: bgzip(text, tmp_path)}[wrapping](text)
    assert list(read_lines(pipe(data, first))) == [(i + 1, f"line {i}") for i in range(60_000)]


def test_a_pipe_that_ends_early_is_told_at_its_end(tmp_path: Path, pipe) -> None:
    data = bgzip(TEXT * 30_000, tmp_path)
    with pytest.raises(InputError, match=r"damaged or cut off after line \d+ \(bgzip's end marker is missing\)"):
        list(read_lines(pipe(data[:-28])))
    with pytest.raises(InputError, match="is empty"):
        list(read_lines(pipe(b"")))


def test_what_a_file_begins_with_can_be_seen_without_losing_it(pipe) -> None:
    lines = read_lines(pipe(TEXT))
    assert lines.first == lines.first == "chr1\t10\t20"
    assert read_lines(lines) is lines
    assert list(lines) == LINES


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, pipe, wrap) -> None:
    (tmp_path / "a.bed").write_bytes(wrap(BOM + TEXT))
    assert list(read_lines(tmp_path / "a.bed")) == LINES
    assert list(read_lines(pipe(wrap(BOM + TEXT), 1))) == LINES
    assert open_text(tmp_path / "a.bed").read() == TEXT


def test_a_byte_order_mark_elsewhere_is_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\n" + BOM + b"b\n")
    assert list(read_lines(tmp_path / "a")) == [(1, "a"), (2, "\ufeffb")]


def test_utf16_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_bytes(TEXT.decode().encode("utf-16"))
    with pytest.raises(InputError, match=r"a\.bed, line 1: is UTF-16 text; save it as UTF-8"):
        list(read_lines(tmp_path / "a.bed"))


@given(lines=st.lists(st.text("ab \t\u00e9", max_size=9), min_size=1, max_size=30), size=st.integers(1, 40))
def test_lines_do_not_depend_on_blocks(tmp_path_factory, lines: list[str], size: int) -> None:
    path = tmp_path_factory.mktemp("blocks") / "a"
    path.write_text("\n".join(lines) + "\nend")
    whole = b"".join(blocks.iter_blocks(open_text(path), size=size))
    assert whole == path.read_bytes()
    assert [line for _, line in read_lines(path)] == [*lines, "end"]


def test_a_line_without_end_is_not_read_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_LONGEST", 2_000_000)
    (tmp_path / "a").write_bytes(b"one\n" + b"x" * 5_000_000)
    with pytest.raises(InputError, match=r"a, line 2: a line of more than 2,000,000 bytes; is this text\?"):
        list(read_lines(tmp_path / "a"))
