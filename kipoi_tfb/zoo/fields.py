"""What text fields of cards may hold, so that none can lead out of its folder or add to code that is written of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tfb_matrix_data.names import ENTRY

__all__ = ["EntryName", "Later", "Line", "Sha256", "TableName", "WeightsName"]

# A bare file name: nothing that a card says can lead out of its folder, or out of the zoo.
WeightsName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.pt$", max_length=100)]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.tsv$", max_length=100)]
EntryName = Annotated[str, Field(pattern=f"^{ENTRY.pattern.pattern}$", max_length=ENTRY.longest)]
# Text that goes into Kipoi's YAML, which names code to run: on one line it can add nothing to that.
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f\x85\u2028\u2029]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Of what later versions say beside the rest: not there where there is nothing to say, so that cards stay as they were.
Later = Field(exclude_if=lambda value: value is None)
