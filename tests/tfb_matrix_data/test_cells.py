"""Cells of a TSV: no text of a user's is a formula, shifts a column, or is lost."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfb_matrix_data.cells import as_cell, from_cell, needs_care

TEXT = st.text(st.sampled_from("=+-@'\t\r\n 1a.e\"") | st.characters(exclude_categories=("Cs",)), max_size=12)


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "@x", "-x", "--1", "=", "=cmd|' /C calc'!A0", "'=x", " =x", "-1+1"]
)
def test_a_formula_becomes_text(text):
    assert as_cell(text) == (f"'{text}" if len(text) > 1 else text)


@pytest.mark.parametrize(
    "text", ["", ".", "-", "+", "rs1", "a=b", "-0.5", "+3", "-1e-7", "-.5", "'", "don't", "O'Brien", "1-2"]
)
def test_what_is_none_stays(text):
    assert as_cell(text) == text and from_cell(text) == text


@given(TEXT.filter(lambda text: not set(text) & set("\t\r\n")))
def test_the_text_comes_back(text):
    assert from_cell(as_cell(text)) == text


@given(st.lists(TEXT, max_size=4))
def test_a_row_has_as_many_cells_as_texts(texts):
    cells = [as_cell(text) for text in texts]
    rows = list(csv.reader(io.StringIO("\t".join([*cells, "end"])), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows == [[*cells, "end"]]
    assert needs_care(texts) or cells == texts


@given(TEXT)
def test_no_cell_is_a_formula(text):
    cell = as_cell(text).lstrip(" ")
    if len(cell) > 1 and cell[0] in "=+-@":
        float(cell)
