"""The table of a group of entries: a row per TF."""

from __future__ import annotations

from collections.abc import Sequence

from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.controls import ControlKind
from kipoi_tfb.zoo.finetuned_card import ControlCard

__all__ = ["group_table", "markdown", "summary"]

_TITLES: dict[ControlKind, str] = {"base": "base", "jaspar": "JASPAR", "denovo": "de novo", "scratch": "from scratch"}


def group_table(cards: Sequence[Card]) -> list[dict[str, str]]:
    """Return a row per card: what the entry was made from, how it did, and what it was compared with.

    AUPRC at 1:1, and in the columns named so, at natural prevalence. Cards are those of
    `kipoi_tfb.zoo.measured.measured`, which know the latter.
    """
    return [_row(card) for card in cards]


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """Return rows of the same columns as a Markdown table; there is at least one."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def summary(cards: Sequence[Card], min_bound: int = 40) -> list[str]:
    """Return lines per control: mean AUPRC of the entries and of it, over those with enough bound regions tested."""
    lines: list[str] = []
    for kind, title in _TITLES.items():
        pairs = [
            (card.metrics.auprc, control)
            for card in cards
            if card.metrics and card.gate and card.finetuned and card.finetuned.counts["test"]["bound"] >= min_bound
            for control in card.gate.controls
            if control.kind == kind
        ]
        if not pairs:
            continue
        own = sum(auprc for auprc, _ in pairs) / len(pairs)
        theirs = sum(control.auprc for _, control in pairs) / len(pairs)
        outcomes = [control.outcome for _, control in pairs]
        higher = sum(control.difference > 0 for _, control in pairs)
        lines.append(
            f"against {title}: mean AUPRC {own:.4f} and {theirs:.4f} over {len(pairs)} TFs with at least {min_bound} "
            f"bound regions tested; wins {outcomes.count('win')}, ties {outcomes.count('tie')}, losses "
            f"{outcomes.count('loss')}; higher for {higher}"
        )
        lines += _natural_summary(title, [control for _, control in pairs])
    return lines


def _natural_summary(title: str, controls: Sequence[ControlCard]) -> list[str]:
    """Return the line of a control at natural prevalence; none where nothing is known of it there."""
    known = [(c.auprc_natural, c.difference_natural) for c in controls]
    pairs = [(theirs, more) for theirs, more in known if theirs is not None and more is not None]
    if not pairs:
        return []
    theirs, more = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    outcomes = [c.outcome_natural for c in controls if c.outcome_natural is not None]
    counts = f"wins {outcomes.count('win')}, ties {outcomes.count('tie')}, losses {outcomes.count('loss')}; "
    return [
        f"against {title} at natural prevalence: mean AUPRC {theirs + more:.4f} and {theirs:.4f} over {len(pairs)} "
        f"TFs; {counts if outcomes else ''}higher for {sum(each > 0 for _, each in pairs)}, lower for "
        f"{sum(each < 0 for _, each in pairs)}"
    ]


def _row(card: Card) -> dict[str, str]:
    counts = card.finetuned.counts if card.finetuned else {}
    metrics = card.metrics
    ends = metrics.auprc_interval if metrics else None
    row = {
        "entry": card.name,
        "bound, train": f"{counts['train']['bound']:,}" if "train" in counts else "",
        "bound, test": f"{counts['test']['bound']:,}" if "test" in counts else "",
        "AUPRC": f"{metrics.auprc:.3f}" if metrics else "",
        "95 %": f"{ends[0]:.3f}-{ends[1]:.3f}" if ends else "",
    }
    found = {control.kind: control for control in (card.gate.controls if card.gate else ())}
    for kind, title in _TITLES.items():
        row[title] = f"{found[kind].auprc:.3f}" if kind in found else ""
    natural = {"natural": metrics.auprc_natural if metrics else None}
    natural["base, natural"] = found["base"].auprc_natural if "base" in found else None
    row |= {title: "" if value is None else f"{value:.3f}" for title, value in natural.items()}
    return {**row, "verdict": card.gate.verdict if card.gate else ""}
