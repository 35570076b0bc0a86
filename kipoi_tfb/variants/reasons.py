"""Why an allele changes binding, in words: TFs that share a site at the change are one group, others are told apart.

Words follow from probabilities and log-odds alone, in one place for tables and reports. They say what the model
predicts: nothing of disease, of a tissue, or of harm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.models.logits import BOUND, NOTABLE
from kipoi_tfb.motifs.scan import MATCH
from kipoi_tfb.variants.columns import REASON
from kipoi_tfb.variants.shared_sites import SharedSites
from kipoi_tfb.variants.site_changes import KnownMotifs, SiteChange
from tfb_matrix_data.alleles import AlleleWindows
from tfb_matrix_data.modes import read_cofactors
from tfb_matrix_data.names import output_of, tf_of

__all__ = ["PREDICTED", "Group", "Reason", "Reasons", "notable"]

PREDICTED = 0.5
"""Probability from which binding is called predicted: what is lost falls below it, what is gained rises above it."""

_MOST_BESIDE = 5
_STEM = re.compile(r"[A-Z]{3,}")


class Group(NamedTuple):
    """TFs that an allele affects in one direction.

    Attributes
    ----------
    tfs
        Columns, the largest impact first.
    verb
        ``lost`` or ``gained``: of those that were (become) predicted to bind, all cross `PREDICTED`; ``weakened`` or
        ``strengthened``: some stay on its upper side; ``less likely`` or ``more likely``: all stay below it.
    site
        What the site at the change is called that they share; empty where none has a motif of its own there whose
        log-odds move with the effect.
    """

    tfs: list[int]
    verb: str
    site: str

    @property
    def rises(self) -> bool:
        """Whether ALT strengthens binding."""
        return self.verb in _UP

    @property
    def crosses(self) -> bool:
        """Whether it is lost or gained as a whole."""
        return self.verb in (_UP[0], _DOWN[0])


class Reason(NamedTuple):
    """Why.

    Attributes
    ----------
    groups
        Those with a site first, then by impact.
    beside
        Columns of TFs that are predicted to bind with either allele and hardly change: cofactors of the groups' TFs
        first, then by probability.
    sites
        The own motif of each TF of a group that has a profile.
    """

    groups: list[Group]
    beside: list[int]
    sites: Mapping[int, SiteChange]


class Reasons:
    """What is said of alleles, given their windows and scores.

    Parameters
    ----------
    columns
        Names of TFs, or ``entry/TF``.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self._names = [tf_of(output_of(column)) for column in columns]
        self._motifs = KnownMotifs(columns)
        self._shared, self._cofactors = SharedSites(columns), read_cofactors()

    def __call__(
        self, windows: AlleleWindows, ref: NDArray[np.float32], alt: NDArray[np.float32], impact: NDArray[np.float32]
    ) -> list[Reason]:
        """Return the reason of each allele.

        Parameters
        ----------
        windows
            The alleles' windows.
        ref, alt, impact
            float32 (alleles, TFs): probabilities of binding, and `kipoi_tfb.models.logits.impact`. Of an allele that is
            not scored all are NaN, and nothing is said.
        """
        named, bound = notable(ref, alt, impact), np.fmin(ref, alt) >= PREDICTED
        sites: list[dict[int, SiteChange]] = [{} for _ in ref]
        for (row, column), change in self._motifs(windows, named).items():
            sites[row][column] = change
        none = Reason([], [], {})
        some = np.any(named | bound, axis=1).tolist()
        return [
            self._reason(ref[row], alt[row], impact[row], named[row], bound[row], sites[row]) if some[row] else none
            for row in range(len(ref))
        ]

    def columns_of(
        self, windows: AlleleWindows, ref: NDArray[np.float32], alt: NDArray[np.float32], impact: NDArray[np.float32]
    ) -> dict[str, NDArray]:
        """Return the columns `kipoi_tfb.variants.columns.REASON` of alleles, of dtype object; parameters as above."""
        reasons = self(windows, ref, alt, impact)
        texts = ([*map(self.text, reasons)], [self.sites_text(one, windows, row) for row, one in enumerate(reasons)])
        return {name: np.array(text, object) for name, text in zip(REASON, texts, strict=True)}

    def text(self, reason: Reason) -> str:
        """Return the reason in one line.

        Such as ``GATA site lost: GATA1, GATA2; with it: TAL1; bound beside it: SOX6``; a dot where nothing is bound.
        """
        parts: list[str] = []
        rises: bool | None = None
        for group in reason.groups:
            tfs = self._listed(group.tfs)
            if group.site:
                parts.append(f"{group.site} site {group.verb}: {tfs}")
                rises = group.rises
            elif rises == group.rises:
                parts.append(f"with it: {tfs}")
            else:
                parts.append(f"binding {group.verb}, no own motif explains it: {tfs}")
        if reason.beside:
            n_others = len(reason.beside) - _MOST_BESIDE
            others = f" and {n_others} more" if n_others > 0 else ""
            said = "bound beside it" if parts else "no change, bound with either allele"
            parts.append(f"{said}: {self._listed(reason.beside[:_MOST_BESIDE])}{others}")
        return "; ".join(parts) or "."

    def sites_text(self, reason: Reason, windows: AlleleWindows, row: int) -> str:
        """Return the sites of the groups' TFs: ``TF:MATRIX:POSITION:STRAND:WITH REF/WITH ALT``; a dot for none."""
        told = []
        for column in (i for group in reason.groups for i in group.tfs):
            site = reason.sites.get(column)
            if site is not None and site.best.score >= MATCH:
                where = f"{site.position(windows, row)}:{'-' if site.best.reverse else '+'}"
                scores = f"{site.ref.score:.1f}/{site.alt.score:.1f}"
                told.append(f"{self.columns[column]}:{site.motif.matrix_id}:{where}:{scores}")
        return ";".join(told) or "."

    def _listed(self, columns: Sequence[int]) -> str:
        return ", ".join(self.columns[i] for i in columns)

    def _reason(
        self,
        ref: NDArray[np.float32],
        alt: NDArray[np.float32],
        impact: NDArray[np.float32],
        named: NDArray[np.bool_],
        bound: NDArray[np.bool_],
        sites: dict[int, SiteChange],
    ) -> Reason:
        order = np.flatnonzero(named)[np.argsort(-np.abs(impact[named]), kind="stable")].tolist()
        with_site = [i for i in order if i in sites and sites[i].explains(float(impact[i]))]
        sharing = self._sharing(with_site, impact, sites)
        others = [[i for i in order if i not in with_site and (impact[i] > 0) == up] for up in (True, False)]
        groups = [Group(tfs, _verb(ref[tfs], alt[tfs]), self._site_name(tfs)) for tfs in sharing]
        loose = [Group(tfs, _verb(ref[tfs], alt[tfs]), "") for tfs in others if tfs]
        loose.sort(key=lambda group: -abs(float(impact[group.tfs[0]])))
        if groups:  # those that go the way of the best site belong to it
            loose.sort(key=lambda group: (impact[group.tfs[0]] > 0) != (impact[groups[-1].tfs[0]] > 0))
        known = {cofactor for i in order for cofactor in self._cofactors.get(self._names[i], ())}
        beside = np.flatnonzero(bound & ~named).tolist()
        beside.sort(key=lambda i: (self._names[i] not in known, -max(float(ref[i]), float(alt[i]))))
        return Reason([*groups, *loose], beside, sites)

    def _sharing(
        self, columns: list[int], impact: NDArray[np.float32], sites: dict[int, SiteChange]
    ) -> list[list[int]]:
        """Return TFs of one direction that share a site together, by largest impact."""
        groups = []
        for up in (True, False):
            alike = [i for i in columns if (impact[i] > 0) == up]
            best = [(sites[i].best.start, sites[i].best.start + sites[i].motif.width) for i in alike]
            groups += self._shared.groups(alike, best)
        return sorted(groups, key=lambda group: -abs(float(impact[group[0]])))

    def _site_name(self, columns: Sequence[int]) -> str:
        """Return what TFs share by name: ``GATA`` of GATA1 and GATA2, ``bZIP`` of JUND and MAFK, else the first's."""
        names = [self._names[i] for i in columns]
        if len(names) == 1:
            return names[0]
        alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
        if stem := _STEM.match("".join(letters[0] for letters in alike)):
            return stem[0]
        classes = set(map(self._shared.kind, columns))
        return classes.pop() if len(classes) == 1 and "" not in classes else f"{names[0]}-like"


_UP = ("gained", "strengthened", "more likely")
_DOWN = ("lost", "weakened", "less likely")


def notable(ref: NDArray[np.float32], alt: NDArray[np.float32], impact: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which TFs of alleles are spoken of: an impact of at least `NOTABLE`, as ``n_gained`` and ``n_lost``."""
    return (np.abs(impact) >= NOTABLE) & (np.fmax(ref, alt) >= BOUND)


def _verb(ref: NDArray[np.float32], alt: NDArray[np.float32]) -> str:
    up = float((alt - ref).sum()) > 0
    better, worse = (alt, ref) if up else (ref, alt)
    crossed, stayed, below = _UP if up else _DOWN
    predicted = better >= PREDICTED
    if not predicted.any():
        return below
    return stayed if (worse[predicted] >= PREDICTED).any() else crossed
