"""Tables: every format holds the same values, however they came, and a file is whole or not there."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kipoi_tfb.output.tables import FORMATS, open_table, table_format
from tfb_matrix_data.errors import InputError

TABLE = {
    "chrom": np.array(["chr1", "chr10", "1"]),
    "name": np.array([".", 'gene "x", y', "ü"]),
    "pos": np.array([0, -5, 5_000_000_000]),
    "n": np.array([1, 2, 200], np.int32),
    "JUND": np.array([0.25, np.nan, 1e-30], np.float32),
    "a/CTCF": np.array([np.nan, np.nan, 0.1], np.float32),
}


def write(path: Path, *chunks: dict) -> Path:
    with open_table(path) as table:
        for chunk in chunks:
            table.write(chunk)
    return path


def read(path: Path) -> dict[str, list]:
    """Return {column: values}, missing ones as None."""
    if path.suffix == ".tsv":
        header, *lines = path.read_text().splitlines()
        columns = list(zip(*(line.split("\t") for line in lines), strict=True))
        return {
            name: [_parse(value) for value in values] for name, values in zip(header.split("\t"), columns, strict=True)
        }
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pydict()
    found: dict[str, list] = {}
    with h5py.File(path) as file:

        def visit(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                values = item.asstr()[:] if h5py.check_string_dtype(item.dtype) else item[:]
                found[name] = [None if value != value else value for value in values.tolist()]

        file.visititems(visit)
    return found


def _parse(text: str) -> object:
    for kind in (int, np.float32):
        try:
            return kind(text)
        except ValueError:
            pass
    return text or None


def part(table: dict, rows: slice) -> dict:
    return {name: values[rows] for name, values in table.items()}


def equal(found: dict[str, list], expected: dict) -> None:
    assert set(found) == set(expected)
    for name, values in expected.items():
        wanted = [None if value != value else value for value in values.tolist()]
        if values.dtype == np.float32:
            assert [None if value is None else np.float32(value) for value in found[name]] == wanted, name
        else:
            assert [str(value) for value in found[name]] == [str(value) for value in wanted], name


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What is written


@pytest.mark.parametrize("ending", FORMATS)
def test_all_formats_hold_the_same(tmp_path, ending):
    path = write(tmp_path / f"out{ending}", TABLE)
    equal(read(path), TABLE)
    assert left_over(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", FORMATS)
def test_values_keep_their_types(tmp_path, ending):
    path = write(tmp_path / f"out{ending}", TABLE)
    if ending == ".parquet":
        schema = pyarrow.parquet.read_schema(path)
        assert [str(schema.field(name).type) for name in TABLE] == ["string", "string", "int64", "int32"] + [
            "float"
        ] * 2
        assert pyarrow.parquet.read_table(path)["JUND"].null_count == 1
    elif ending == ".h5":
        with h5py.File(path) as file:
            assert file["pos"].dtype == np.int64 and file["JUND"].dtype == np.float32
            assert np.isnan(file["JUND"][1])
    else:
        assert pyarrow.csv.read_csv(
            path, parse_options=pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False)
        ).column_names == list(TABLE)


def test_tsv_worked_by_hand(tmp_path):
    lines = write(tmp_path / "out.tsv", TABLE).read_text().split("\n")
    assert lines == [
        "chrom\tname\tpos\tn\tJUND\ta/CTCF",
        "chr1\t.\t0\t1\t0.25\t",
        'chr10\tgene "x", y\t-5\t2\t\t',
        "1\tü\t5000000000\t200\t1e-30\t0.1",
        "",
    ]


def test_quotes_do_not_change_how_a_tsv_looks(tmp_path):
    # Text with double quotes takes another way than text without.
    plain = {**TABLE, "name": np.array(["a", "b", "c"])}
    quoted = {**TABLE, "name": np.array(["a", 'b"', "c"])}
    expected = write(tmp_path / "a.tsv", plain).read_text()
    assert write(tmp_path / "b.tsv", quoted).read_text().replace('b"', "b") == expected


@pytest.mark.parametrize("ending", FORMATS)
@given(values=st.lists(st.floats(width=32, allow_infinity=False), min_size=1, max_size=12), size=st.integers(1, 13))
def test_chunks_are_one_write(tmp_path_factory, ending, values, size):
    table = {
        "name": np.array([f"n{'x' * (i % 3)}{i}" for i in range(len(values))]),
        "TF": np.array(values, np.float32),
    }
    folder = tmp_path_factory.mktemp("chunks")
    whole = write(folder / f"whole{ending}", table)
    chunks = [part(table, slice(at, at + size)) for at in range(0, len(values), size)]
    pieces = write(folder / f"pieces{ending}", *chunks)
    assert read(pieces) == read(whole)
    equal(read(pieces), table)


@pytest.mark.parametrize("name", ["a.tsv", "a.b.TSV", "x.parquet", "x.h5", "x.hdf5"])
def test_the_ending_says_the_format(name):
    assert table_format(name) in FORMATS


@pytest.mark.parametrize("name", ["out", "out.csv", "out.tsv.gz", "tsv", ".h5"])
def test_other_endings_list_the_valid_ones(tmp_path, name):
    with pytest.raises(InputError, match=rf"{name}: cannot tell the format.*use one of \.tsv, \.parquet, \.h5"):
        open_table(tmp_path / name)
    assert left_over(tmp_path) == []


# What goes wrong


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), InputError("a.bed", "is bad", 7)])
def test_a_failure_inside_leaves_nothing(tmp_path, ending, error):
    with pytest.raises(type(error)), open_table(tmp_path / f"out{ending}") as table:
        table.write(TABLE)
        raise error
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("n_written", [0, 1])
def test_a_failure_keeps_an_older_file(tmp_path, ending, n_written):
    path = write(tmp_path / f"out{ending}", TABLE)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), open_table(path) as table:
        for _ in range(n_written):
            table.write(part(TABLE, slice(0, 1)))
        raise RuntimeError
    assert path.read_bytes() == before
    assert left_over(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", FORMATS)
def test_an_older_file_is_replaced_at_the_end(tmp_path, ending):
    path = write(tmp_path / f"out{ending}", TABLE)
    first = part(TABLE, slice(0, 1))
    with open_table(path) as table:
        table.write(first)
        equal(read(path), TABLE)
    equal(read(path), first)


@pytest.mark.parametrize("ending", FORMATS)
def test_outputs_that_cannot_be(tmp_path, ending):
    with pytest.raises(InputError, match=r"the folder .*missing does not exist; create it first"):
        write(tmp_path / "missing" / f"out{ending}", TABLE)
    (tmp_path / f"folder{ending}").mkdir()
    with pytest.raises(InputError, match=rf"folder\{ending}: is a folder"):
        write(tmp_path / f"folder{ending}", TABLE)
    assert left_over(tmp_path) == [f"folder{ending}"]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_folder_without_permission(tmp_path, ending):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("root may write anywhere")
        with pytest.raises(InputError, match="cannot be written"):
            write(tmp_path / f"out{ending}", TABLE)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_disk_that_fills_up_leaves_nothing(tmp_path, ending, monkeypatch):
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = write(tmp_path / f"out{ending}", part(TABLE, slice(0, 1)))
    before = path.read_bytes()
    with pytest.raises(OSError, match="No space left") as caught, open_table(path) as table:
        table.write(TABLE)
        target = {".tsv": "pyarrow.csv.write_csv", ".parquet": "pyarrow.parquet.ParquetWriter.write_table"}
        monkeypatch.setattr(target.get(ending, "h5py.Dataset.resize"), full)
        table.write({**TABLE, "name": np.array(["no", "quotes", "here"])})
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == before and left_over(tmp_path) == [path.name]


def test_hdf5_asks_for_space_before_it_writes(tmp_path, monkeypatch):
    # libhdf5 ends the process with a segmentation fault if it is the one to find out.
    usage = shutil.disk_usage(tmp_path)
    with pytest.raises(OSError, match="No space left") as caught, open_table(tmp_path / "out.h5") as table:
        table.write(TABLE)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        table.write(TABLE)
    assert caught.value.errno == errno.ENOSPC
    assert left_over(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MiB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_disk_that_is_full(small_disk, ending):
    rng = np.random.default_rng(0)
    with pytest.raises(OSError, match="No space left") as caught, open_table(small_disk / f"out{ending}") as table:
        for _ in range(200):
            table.write({"name": np.array(["x"] * 1000), "TF": rng.random(1000)})
    assert caught.value.errno == errno.ENOSPC
    assert left_over(small_disk) == []


HOSTILE = np.array(["=1+1", "-0.5", "a\tb", "x\ny", "'=x", '"q"', "-"], object)


@pytest.mark.parametrize("ending", FORMATS)
def test_text_of_a_users_is_no_formula_and_shifts_nothing(tmp_path, ending):
    table = {"id": HOSTILE, "=SP1": np.arange(7.0, dtype=np.float32), "b\tc": np.arange(7)}
    path = write(tmp_path / f"out{ending}", table)
    if ending != ".tsv":
        found = read(path)
        assert list(found["id"]) == HOSTILE.tolist() and set(found) == set(table)
        return
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert rows[0] == ["id", "'=SP1", "b%09c"] and {len(row) for row in rows} == {3} and len(rows) == 8
    assert [row[0] for row in rows[1:]] == ["'=1+1", "-0.5", "a%09b", "x%0Ay", "''=x", '"q"', "-"]
    assert [row[2] for row in rows[1:]] == list("0123456")


def test_a_column_that_is_a_folder_of_another(tmp_path):
    table = {"x/JUND": np.arange(3.0), "x/JUND/JUND": np.arange(3.0)}
    with pytest.raises(InputError, match=r"out.h5: x/JUND is a column, and others begin with it; write .parquet or"):
        write(tmp_path / "out.h5", table)
    assert left_over(tmp_path) == []
    equal(read(write(tmp_path / "out.parquet", table)), table)
