"""Pieces of a table are joined to what is written at once."""

from __future__ import annotations

import pytest

from kipoi_tfb.output import table_pieces
from kipoi_tfb.output.table_pieces import joined_table, write_piece
from kipoi_tfb.output.tables import FORMATS
from tests.output.test_tables import TABLE, read, write


@pytest.mark.parametrize("block", [1, 5, 17, 1 << 22])
@pytest.mark.parametrize("ending", FORMATS)
def test_pieces_become_the_table_that_is_written_at_once(tmp_path, monkeypatch, ending, block):
    monkeypatch.setattr(table_pieces, "_BLOCK", block)  # names of columns may be cut by it
    some, rest = ({name: values[at] for name, values in TABLE.items()} for at in (slice(2), slice(2, None)))
    none = {name: values[:0] for name, values in TABLE.items()}
    pieces = [tmp_path / f"{i}" for i in range(4)]
    for path, chunk in zip(pieces, (none, some, none, rest), strict=True):
        write_piece(path, chunk, ending)
    with joined_table(tmp_path / f"joined{ending}") as joined:
        for path in pieces:
            joined.add(path)
        assert joined.finish() == 3
    whole = write(tmp_path / f"whole{ending}", none, some, none, rest)
    assert read(tmp_path / f"joined{ending}") == read(whole)
    if ending == ".tsv":
        assert (tmp_path / "joined.tsv").read_bytes() == whole.read_bytes()
