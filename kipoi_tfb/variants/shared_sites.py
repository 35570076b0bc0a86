"""Which TFs share a site: one rule, for pictures and for words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tfb_matrix_data.modes import DERIVED, read_modes
from tfb_matrix_data.names import output_of, tf_of

__all__ = ["SharedSites"]

_SHORT = re.compile(r"\((\w[\w-]*)\)")


class SharedSites:
    """What is known of the motifs of TFs, and which of their sites are one.

    Two sites are one if they overlap by at least half of the narrower one, and their TFs bind by motifs of one kind.
    Sites that are one with the same site are one too.

    Parameters
    ----------
    columns
        Names of TFs, or ``entry/TF``.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._names = [tf_of(output_of(column)) for column in columns]
        self._modes = read_modes(DERIVED)  # columns may be of any TF: those that all of JASPAR have

    def groups(self, columns: Sequence[int], spans: Sequence[tuple[int, int] | None]) -> list[list[int]]:
        """Return which of some TFs share a site: groups of columns, each in their order, by their first ones.

        Parameters
        ----------
        columns
            Of which TFs.
        spans
            First base of the site of each, and the one behind its last; None for a TF without a site: it is alone.
        """
        groups: list[list[int]] = []
        for i in range(len(columns)):
            shared = [group for group in groups if any(self._one_site(columns, spans, i, j) for j in group)]
            merged = sorted([i, *(j for group in shared for j in group)])
            groups = [group for group in groups if group not in shared] + [merged]
        return [[columns[i] for i in group] for group in sorted(groups)]

    def kind(self, column: int) -> str:
        """Return the short name of a TF's class, such as bZIP; empty where it has none, as zinc fingers, all unlike."""
        found = _SHORT.search(self._modes.tf_class.get(self._names[column], ""))
        return found[1] if found else ""

    def akin(self, one: int, other: int) -> bool:
        """Return whether two TFs bind by motifs of one kind: of one binding mode, or both bZIP or bHLH."""
        names = self._names[one], self._names[other]
        kind = self.kind(one)
        return names[0] == names[1] or bool(self._modes.shared(*names)) or (bool(kind) and kind == self.kind(other))

    def _one_site(self, columns: Sequence[int], spans: Sequence[tuple[int, int] | None], i: int, j: int) -> bool:
        one, other = spans[i], spans[j]
        if one is None or other is None:
            return False
        common = min(one[1], other[1]) - max(one[0], other[0])
        return 2 * common >= min(one[1] - one[0], other[1] - other[0]) and self.akin(columns[i], columns[j])
