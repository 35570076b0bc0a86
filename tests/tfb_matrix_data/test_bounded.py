"""Files that are not trusted are of a known kind, and read up to a known size."""

from __future__ import annotations

import gzip
import os
import pty
import time
import tracemalloc

import pytest

from tfb_matrix_data.bounded import check_ends, check_file, gunzip_at_most, read_at_most
from tfb_matrix_data.errors import InputError


def test_a_file_of_the_size(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 2048)
    assert check_file(tmp_path / "a") == tmp_path / "a" and read_at_most(tmp_path / "a", 2048) == b"x" * 2048
    with pytest.raises(InputError, match=r"a: has more than 1 kB, which is too much for what it should be"):
        read_at_most(tmp_path / "a", 2047)


@pytest.mark.parametrize(
    ("make", "said"),
    [(os.mkfifo, "a named pipe"), (os.mkdir, "a folder"), (lambda path: os.symlink("/dev/zero", path), "a device")],
)
def test_what_is_no_file(tmp_path, make, said):
    make(tmp_path / "a")
    with pytest.raises(InputError, match=f"a: is {said}; expected a file"):
        check_file(tmp_path / "a")


def test_what_has_no_end(tmp_path, pipe):
    os.symlink("/dev/zero", tmp_path / "a")
    with pytest.raises(InputError, match=r"a: is a device; expected a file or a pipe"):
        check_ends(tmp_path / "a")
    check_ends(pipe(b"x"))
    check_ends(os.devnull)
    leader, terminal = pty.openpty()
    try:
        check_ends(os.ttyname(terminal))
    finally:
        os.close(leader)
        os.close(terminal)
    with pytest.raises(FileNotFoundError):
        check_ends(tmp_path / "nothing")


def test_links_where_they_will_not_do(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert check_file(tmp_path / "b") == tmp_path / "b"
    with pytest.raises(InputError, match=r"b: is a link; expected a file"):
        check_file(tmp_path / "b", links=False)
    with pytest.raises(FileNotFoundError):
        check_file(tmp_path / "c")


def test_a_device_without_an_end():
    with pytest.raises(InputError, match=r"/dev/zero: has more than 1 MB"):
        read_at_most("/dev/zero", 1 << 20)


def test_a_gzip_bomb(tmp_path):
    path = tmp_path / "a.gz"
    with gzip.open(path, "wb") as stream:
        for _ in range(256):
            stream.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 19
    started = time.monotonic()
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a.gz: unpacks to more than 4 MB"):
        gunzip_at_most(path, 4 << 20)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20 and time.monotonic() - started < 20
    tracemalloc.stop()
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"y" * 100))
    assert gunzip_at_most(tmp_path / "b.gz", 100) == b"y" * 100
