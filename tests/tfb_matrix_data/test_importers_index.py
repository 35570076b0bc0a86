"""The published index pickles are untrusted: names and numbers come out of them, nothing is ever run."""

from __future__ import annotations

import contextlib
import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import InputError, TfbError
from tfb_matrix_data.indexes import read_index


def test_an_index_of_plain_names_is_read(tmp_path: Path) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "i").write_bytes(gzip.compress(pickle.dumps({"SP1": 1, "B cell": 0}, protocol=protocol)))
        assert read_index(tmp_path / "i") == {"SP1": 1, "B cell": 0}


class Malicious:
    """Unpickling this calls a function."""

    def __init__(self, function: Callable, *arguments: str) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "shutil.rmtree"])
def test_a_pickle_that_calls_something_is_refused_and_not_run(tmp_path: Path, name: str) -> None:
    mark = tmp_path / "was-run"
    mark.mkdir()
    module, function = name.split(".")
    code = {"os.system": f"rmdir {mark}", "builtins.eval": f"__import__('os').rmdir('{mark}')"}.get(name, str(mark))
    target = getattr(__import__(module), function)
    (tmp_path / "i").write_bytes(gzip.compress(pickle.dumps({"SP1": Malicious(target, code)})))
    shown = {"os.system": r"(posix|nt)\.system"}.get(name, name)
    with pytest.raises(InputError, match=f"is not a safe index pickle: it asks for {shown}; only dict"):
        read_index(tmp_path / "i")
    assert mark.exists(), "the pickle's code was run"


def test_an_index_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfb_matrix_data.indexes._MOST_BYTES", 1 << 20)
    (tmp_path / "i").write_bytes(gzip.compress(bytes(2 << 20)))
    with pytest.raises(InputError, match="i: unpacks to more than 1 MB, which is too much for what it should be"):
        read_index(tmp_path / "i")


@pytest.mark.parametrize(
    "index", [["SP1"], {"SP1": "0"}, {0: "SP1"}, {"SP1": 1.5}, {"SP1": True}, {("a", "b"): 0}, None, 7]
)
def test_a_pickle_that_is_no_index_is_refused(tmp_path: Path, index: object) -> None:
    (tmp_path / "i").write_bytes(gzip.compress(pickle.dumps(index)))
    with pytest.raises(InputError, match="is not an index"):
        read_index(tmp_path / "i")


@pytest.mark.parametrize(
    "content",
    [b"", b"plain text", b"\x1f\x8b\x08", *map(gzip.compress, (b"", b"text", b"K\x01)R.", b"X\1\0\0\0a}a."))],
    ids=["empty", "text", "cut gzip", "gzip of nothing", "gzip of text", "calls an int", "appends to a str"],
)
def test_what_is_no_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "i").write_bytes(content)
    with pytest.raises(InputError, match="is not a safe index pickle"):
        read_index(tmp_path / "i")


# Without LONG_BINPUT ("r"), which reserves as much memory as it is told.
PARTS = [bytes([i]) for i in range(128) if chr(i) != "r"] + [b"K\x01", b"}", b")R", b"}(", b"X\0\0\0\0"] * 9


@given(st.lists(st.sampled_from(PARTS)))
def test_no_pickle_program_gets_past_the_reader(tmp_path_factory, program: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.pickle.gz"
    path.write_bytes(gzip.compress(b"".join(program) + b"."))
    with contextlib.suppress(TfbError):
        assert isinstance(read_index(path), dict)
