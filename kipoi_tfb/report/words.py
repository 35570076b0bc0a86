"""What is said of an allele in whole sentences: what the model predicts, and what it cannot say."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import NDArray

from kipoi_tfb.report.record import UsedMotif
from kipoi_tfb.variants.reasons import PREDICTED, Group, Reason

__all__ = [
    "group_sentence",
    "group_title",
    "limits_of",
    "listed",
    "probability_decimals",
    "used_sentence",
    "whole_sentence",
]

_MOST_NAMED = 4
_WEAK = 0.7
"""Held-out AUPRC at equal numbers below which the model is said to know a TF badly."""


def probability_decimals(p: float) -> str:
    """Return a probability in two decimals, for sentences and tables: ``0.93``, ``<0.01``, ``>0.99``.

    Examples
    --------
    >>> [probability_decimals(p) for p in (0.934, 0.004, 0.9999)]
    ['0.93', '<0.01', '>0.99']
    """
    return "<0.01" if p < 0.01 else ">0.99" if p > 0.99 else f"{p:.2f}"


def listed(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Return names with commas and an ``and``; of many the first, and how many more there are.

    Examples
    --------
    >>> listed(["A", "B", "C"]), listed(list("ABCDEF")), listed(["A"])
    ('A, B and C', 'A, B, C, D and 2 more', 'A')
    """
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def group_title(group: Group, names: Sequence[str]) -> str:
    """Return what happens to a group in a few words: ``bZIP site lost``, ``FOXA1 binding less likely``."""
    if group.site:
        return f"{group.site} site {group.verb}"
    return f"{f'{names[0]} ' if len(names) == 1 else ''}binding {group.verb}"


def group_sentence(group: Group, names: Sequence[str], ref: NDArray, alt: NDArray) -> str:
    """Return what the model says of a group, and what its TFs have at the change.

    Parameters
    ----------
    group
        The group.
    names
        Of its TFs, in its order.
    ref, alt
        Their probabilities with either allele.
    """
    told = [
        f"{name} (P {probability_decimals(r)} to {probability_decimals(a)})"
        for name, r, a in zip(names, ref, alt, strict=True)
    ]
    better, worse = (alt, ref) if group.rises else (ref, alt)
    crossing = [text for text, b, w in zip(told, better, worse, strict=True) if b >= PREDICTED > w]
    staying = [text for text, w in zip(told, worse, strict=True) if w >= PREDICTED]
    below = [text for text, b in zip(told, better, strict=True) if b < PREDICTED]
    less = not group.rises
    said = []
    if crossing:
        start = "With ALT the model no longer predicts binding of" if less else "With ALT the model predicts binding of"
        said.append(f"{start} {listed(crossing)}{'' if less else ', not predicted with REF'}.")
    if staying:
        said.append(
            f"Binding of {listed(staying)} stays predicted, with {'less' if less else 'more'} probability with ALT."
        )
    if below:
        which = "Not predicted with either allele, and" if not (crossing or staying) else "Also"
        said.append(f"{which} {'less' if less else 'more'} likely with ALT: {listed(below)}.")
    if group.site and len(names) > 1:
        said.append(
            f"They share a {group.site} site at the variant; which is meant depends on which of them the cell makes."
        )
    elif group.site:
        said.append("Its own motif lies on the variant, and changes with it.")
    else:
        own = "its" if len(names) == 1 else "their"
        said.append(
            f"No known motif of {own} own on the variant explains it; it may come by way of what binds beside it."
        )
    return " ".join(said)


def whole_sentence(reason: Reason, bound: Sequence[str], n_tfs: int) -> str:
    """Return what is to be said of an allele that changes nothing; empty where groups say it."""
    if reason.groups:
        return ""
    if bound:
        found = f"No change of binding is predicted; with either allele the model predicts binding of {listed(bound)}."
    else:
        found = f"No TF of the {n_tfs} is predicted to bind with either allele."
    return f"{found} That is no evidence that the variant is harmless."


def limits_of(flags: str, n_window: int, weak: Sequence[tuple[str, float]]) -> list[str]:
    """Return what the model cannot say of an allele, a sentence each.

    Parameters
    ----------
    flags
        Its flags, see `kipoi_tfb.variants.columns.FIXED`.
    n_window
        Bases that the model reads.
    weak
        TFs of its groups, with the held-out AUPRC of each that has one.
    """
    said = []
    for flag in flags.split(";"):
        name, _, value = flag.partition("=")
        if name == "n_in_window":
            said.append(
                f"{value} of the {n_window} bases around it are unknown (N) in this genome: the model saw the rest."
            )
        if name == "edge_padded":
            said.append("The contig ends within the window: the model saw the rest.")
    told = [f"{tf} (AUPRC {auprc:.2f})" for tf, auprc in weak if auprc < _WEAK]
    if told:
        said.append(f"The model tells regions bound by {listed(told)} badly from unbound ones.")
    return said


def used_sentence(tf: str, used: Sequence[UsedMotif]) -> str:
    """Return which known motifs are in use for a TF, where, and with which allele.

    Examples
    --------
    >>> used_sentence("JUND", [UsedMotif("MA0099.3", "FOS::JUN", 1001, 1010, "-", 2.5)])
    'In use for JUND: FOS::JUN (MA0099.3) at 1,001 to 1,010, \u2212 strand, with REF alone (+2.5).'
    >>> used_sentence("JUND", [])
    'No motif that was looked for is in use for JUND.'
    """
    if not used:
        return f"No motif that was looked for is in use for {tf}."
    places = []
    for one in used:
        strand = "+" if one.strand == "+" else "−"
        given = {name: value for name, value in (("REF", one.ref), ("ALT", one.alt)) if value is not None}
        if len(given) == 1:
            allele = "".join(f"{name} alone ({value:+.1f})" for name, value in given.items())
        else:
            allele = f"either allele ({', '.join(f'{name} {value:+.1f}' for name, value in given.items())})"
        place = f"{one.start:,} to {one.end:,}, {strand} strand"
        places.append(f"{one.motif_name} ({one.motif_id}) at {place}, with {allele}")
    return f"In use for {tf}: {'; '.join(places)}."
