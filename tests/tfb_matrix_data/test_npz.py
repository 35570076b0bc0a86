"""Arrays of an .npz are what its directory and their headers say, or are refused before there is memory for them."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.npz import NpzArray, has_array, read_arrays


def header(shape: tuple[int, ...], dtype: str = "<f8") -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": dtype, "fortran_order": False, "shape": shape})
    return made.getvalue()


@pytest.fixture
def archive(tmp_path):
    """Return a function that writes an .npz of raw members."""

    def write(**members: bytes):
        path = tmp_path / "a.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in members.items():
                made.writestr(f"{name}.npy", content)
        return path

    return write


@given(st.lists(st.integers(0, 4), max_size=3), st.sampled_from(["<f2", "<i4", "<U3"]), st.booleans())
def test_arrays_come_back(tmp_path_factory, shape, dtype, fortran):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    wanted = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape).astype(dtype, order="F" if fortran else "C")
    np.savez_compressed(path, a=wanted, b=np.array(1))
    found = read_arrays(path, {"a": 1000, "b": 8})
    assert found["a"].dtype == wanted.dtype and found["a"].tolist() == wanted.tolist() and found["b"] == 1
    assert has_array(path, "a") and not has_array(path, "c")


def test_by_pieces(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(10))
    array = NpzArray(tmp_path / "a.npz", "x")
    array.skip(3)
    assert array.read(2).tolist() == [3, 4]
    array.skip(5)
    array.finish()
    with pytest.raises(InputError, match=r"a.npz: is cut off"):
        array.read(1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (header((1 << 40,)), "does not take 0 bytes"),
        (header((1 << 70, 1 << 70)), "does not take 0 bytes"),
        (header((-1,)), "does not take|shape is not valid"),
        (header((2,)) + bytes(8), r"float64 of shape \(2,\) does not take 8 bytes"),
        (header((2,)) + bytes(24), "does not take 24 bytes"),
        (header((1,), "|O") + bytes(8), "it holds Python objects"),
        (b"", "is not a whole .npz file"),
        (b"PK\3\4", "is not a whole .npz file"),
    ],
)
def test_a_header_that_does_not_say_what_there_is(archive, content, complaint):
    with pytest.raises(InputError, match=f"a.npz: .*({complaint})"):
        read_arrays(archive(x=content), {"x": 1 << 62})


def test_a_bomb_is_refused_by_what_it_declares(archive):
    size = 512 << 20
    path = archive(x=header((size // 8,)) + bytes(size))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(InputError, match=r"has an array that unpacks to 536,870,912 bytes; at most 1,048,576 are"):
        read_arrays(path, {"x": 1 << 20})
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_bomb_is_refused_by_what_comes_out(archive):
    """The directory and the array's header say 1 kB; a hundred megabytes are behind them."""
    size, said = 100 << 20, len(header((128,))) + 1024
    path = archive(x=header((128,)) + bytes(size))
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"PK\1\2")
    data[directory + 24 : directory + 28] = struct.pack("<I", said)
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a.npz: is not a whole .npz file: Bad CRC-32"):
        read_arrays(path, {"x": 1 << 20})
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "a.npz").mkdir()
    with pytest.raises(InputError, match=r"a.npz: is a folder; expected a file"):
        NpzArray(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"b.npz: no such file"):
        NpzArray(tmp_path / "b.npz")
