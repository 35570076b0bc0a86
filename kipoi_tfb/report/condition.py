"""Conditions on columns, as people type them: ``variant_percentile>=99``, ``GENE=LDLR``."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfb_matrix_data.errors import ConfigError

__all__ = ["Condition"]

_SYNTAX = re.compile(r"\s*([^<>=!~]+?)\s*(<=|>=|!=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
_COMPARE = {"=": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


@dataclass(frozen=True)
class Condition:
    """A column, a comparison and a value.

    Attributes
    ----------
    column
        Its name.
    operator
        ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, or ``~`` for text that contains the value.
    value
        As it was typed.
    """

    column: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Return the condition that a text says.

        Raises
        ------
        ConfigError
            If it says none.

        Examples
        --------
        >>> Condition.parse("AF < 0.01")
        Condition(column='AF', operator='<', value='0.01')
        """
        found = _SYNTAX.fullmatch(text)
        if not found:
            raise ConfigError(
                f"{text!r} is no condition; expected COLUMN, one of = != < <= > >= ~ (contains), and a value, such as "
                "'variant_percentile>=99' or 'CLNSIG~athogenic'"
            )
        return cls(*found.groups())

    def holds(self, column: pa.ChunkedArray) -> NDArray[np.bool_]:
        """Return bool (rows,): where it holds. A value that does not exist fulfils ``!=`` alone.

        Raises
        ------
        ConfigError
            If numbers are compared with text, or text is compared by size.
        """
        if pa.types.is_string(column.type):
            return self._text(column)
        if self.operator == "~":
            raise ConfigError(f"{self.column} is a column of numbers: ~ (contains) is for text")
        try:
            wanted = float(self.value)
        except ValueError:
            raise ConfigError(f"{self.column} is a column of numbers; {self.value!r} is none") from None
        values = pc.cast(column, pa.float64())
        if self.operator == "!=":
            return ~_filled(pc.equal(values, wanted))
        return _filled(_COMPARE[self.operator](values, wanted))

    def _text(self, column: pa.ChunkedArray) -> NDArray[np.bool_]:
        if self.operator == "~":
            return _filled(pc.match_substring(column, self.value))
        if self.operator not in {"=", "!="}:
            raise ConfigError(f"{self.column} is a column of text: compare it by = != ~, not by {self.operator}")
        equal = _filled(pc.equal(column, self.value))
        return equal if self.operator == "=" else ~equal


def _filled(mask: pa.ChunkedArray) -> NDArray[np.bool_]:
    return pc.fill_null(mask, False).to_numpy().astype(bool)
