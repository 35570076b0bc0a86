"""Rows find their regions by name, place or order, and nothing is guessed."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from kipoi_tfb.evaluation.keyed_table import read_keyed
from kipoi_tfb.output.tables import open_table
from tfb_matrix_data.errors import InputError

KEYS = [("1", 10, 20), ("1", 30, 40), ("X", 10, 20)]
ALL = np.ones(3, bool)


@pytest.fixture
def table(tmp_path):
    def read(text, name="t.tsv"):
        (tmp_path / name).write_text(text)
        return read_keyed(tmp_path / name)

    return read


def test_by_place_in_any_order_and_either_naming(table):
    found = table("chrom\tstart\tend\tA\nX\t10\t20\t3\nchr2\t1\t2\t9\nchr1\t30\t40\t2\n1\t10\t20\t1\n")
    assert list(found.columns) == ["A"] and found.n_rows == 4
    assert found.columns["A"][found.align(KEYS, ALL)].tolist() == [1, 2, 3]


def test_by_order_where_nothing_says_which(table):
    found = table("A\tB\n1\t\n\tNA\n0\t-1\n")
    assert found.keys is None and found.align(KEYS, ALL).tolist() == [0, 1, 2]
    assert np.isnan(found.columns["A"]).tolist() == [False, True, False]
    assert np.isnan(found.columns["B"]).tolist() == [True, True, False]


def test_empty_lines_of_a_single_column_are_values(table):
    assert np.isnan(table("A\n1\n\n0\n").columns["A"]).tolist() == [False, True, False]


def test_by_name(table):
    found = table("name\tA\nb\t2\na\t1\n")
    assert found.align([("a",), ("b",)], ALL[:2]).tolist() == [1, 0]


def test_by_order_where_names_are_no_help(table):
    # A table of sequences' names for regions: as long as there are as many.
    assert table("name\tA\nb\t2\na\t1\nc\t0\n").align(KEYS, ALL).tolist() == [0, 1, 2]


def test_regions_given_twice(table):
    twice = [KEYS[0], KEYS[0]]
    found = table("chrom\tstart\tend\tA\n1\t10\t20\t5\n1\t10\t20\t6\n")
    assert found.align(twice, ALL[:2]).tolist() == [0, 1]
    assert table("chrom\tstart\tend\tA\n1\t10\t20\t5\n").align(twice, ALL[:2]).tolist() == [0, 0]
    with pytest.raises(InputError, match=r"t.tsv, line 3: chr1:10-20 stands in line 2 too"):
        found.align(KEYS[:1], ALL[:1])


def test_missing_regions(table):
    found = table("chrom\tstart\tend\tA\n1\t10\t20\t1\n")
    with pytest.raises(InputError, match=r"has no row for 2 of 3 regions, the first is chr1:30-40"):
        found.align(KEYS, ALL)
    assert found.align(KEYS, np.array([True, False, False])).tolist() == [0, -1, -1]


def test_wrong_number_of_rows(table):
    with pytest.raises(InputError, match=r"has 2 rows for 3 regions; .* add the column\(s\) chrom, start and end"):
        table("A\n1\n0\n").align(KEYS, ALL)
    with pytest.raises(InputError, match=r"add the column\(s\) name"):
        table("A\n1\n0\n").align([("a",)], ALL[:1])


def test_text_is_kept_apart_with_its_row(table):
    found = table("chrom\tstart\tend\tnote\tA\n1\t10\t20\t7\t1\n1\t30\t40\thigh\t2\n")
    assert found.text == {"note": ("high", 1)} and list(found.columns) == ["A"] and found.line(1) == 3


def test_forms(tmp_path, table):
    text = "#chrom\tstart\tend\tA\n1\t10\t20\t0.5\n"
    with gzip.open(tmp_path / "t.tsv.gz", "wt") as stream:
        stream.write(text)
    columns = {"chrom": ["1"], "start": [10], "end": [20], "A": pa.array([0.5], pa.float32())}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    for found in (table(text), read_keyed(tmp_path / "t.tsv.gz"), read_keyed(tmp_path / "t.parquet")):
        assert found.keys == KEYS[:1] and found.columns["A"].tolist() == [0.5]
    assert read_keyed(tmp_path / "t.parquet").line(0) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("A\tA\n1\t1\n", "line 1: has the column 'A' twice"),
        ("chrom\tA\n1\t1\n", "line 1: has the column chrom but not start, end; give all three, or none"),
        ("chrom\tstart\tend\n1\tx\t2\n", "line 2: start or end is not a whole number: x"),
        ("chrom\tstart\tend\n1\t1\t2\n1\t\t2\n", "line 3: start or end is not a whole number"),
        ("chrom\tstart\tend\n1\t1\t2.5\n", "line 2: start or end is not a whole number"),
        ("chrom\tstart\tend\n\t1\t2\n", "line 2: chrom is empty"),
        ("A\tB\n1\t2\n1\n", "is not a table of tab-separated columns with a header"),
    ],
)
def test_what_is_no_table(table, text, complaint):
    with pytest.raises(InputError, match=complaint):
        table(text)


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match=r"no.tsv: no such file"):
        read_keyed(tmp_path / "no.tsv")
    with pytest.raises(InputError, match=r"no.parquet: no such file"):
        read_keyed(tmp_path / "no.parquet")
    (tmp_path / "t.parquet").write_text("A\n1\n")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_keyed(tmp_path / "t.parquet")


def test_names_that_were_written_as_text_are_what_they_were(tmp_path):
    """A table of ours is found again by its names, those too that a spreadsheet would have run."""
    names = ["=1+1", "-0.5", "'=x", "rs1", "@a"]
    with open_table(tmp_path / "t.tsv") as writer:
        writer.write({"name": np.array(names, object), "JUND": np.arange(5.0)})
    assert "'=1+1\t0" in (tmp_path / "t.tsv").read_text()
    assert read_keyed(tmp_path / "t.tsv").keys == [(name,) for name in names]


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_table_from_a_pipe_and_of_any_name(tmp_path, pipe, wrap):
    data = wrap(b"\xef\xbb\xbfname\tA\r\na\t1\r\nb\t0\r\n")
    (tmp_path / "t.tsv.gz").write_bytes(data)  # known by its content, not by its name
    (tmp_path / "t.tsv").write_bytes(data)
    for path in (pipe(data), tmp_path / "t.tsv.gz", tmp_path / "t.tsv"):
        found = read_keyed(path)
        assert found.keys == [("a",), ("b",)] and found.columns["A"].tolist() == [1, 0]


@pytest.mark.parametrize("head", ["", "# made by hand\n\n#chr9\t1\t2\t0\n"], ids=["", "comments before"])
@pytest.mark.parametrize("hash_", ["", "#"])
def test_comments_are_no_rows_and_lines_are_those_of_the_file(table, head, hash_):
    text = f"{head}{hash_}chrom\tstart\tend\tA\n1\t10\t20\t1\n#1\t30\t40\t9\n# note\n\n1\t30\t40\tx\n"
    found = table(text)
    assert found.keys == KEYS[:2] and found.text == {"A": ("x", 1)}
    assert found.line(0) == head.count("\n") + 2 and found.line(1) == head.count("\n") + 6


def test_a_header_is_needed(table):
    with pytest.raises(InputError, match=r"t\.tsv: has no header, only comments or blank lines"):
        table("# a\n\n#1\t2\n")
