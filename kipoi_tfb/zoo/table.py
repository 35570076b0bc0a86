"""The table of a group of entries: a row per TF."""

from __future__ import annotations

from collections.abc import Sequence

from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.finetuned_card import ControlKind

__all__ = ["group_table", "markdown", "summary"]

_TITLES: dict[ControlKind, str] = {"base": "base", "jaspar": "JASPAR", "denovo": "de novo", "scratch": "from scratch"}


def group_table(cards: Sequence[Card]) -> list[dict[str, str]]:
    """Return a row per card: what the entry was made from, how it did, and what it was compared with; AUPRC at 1:1."""
    return [_row(card) for card in cards]


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """Return rows of the same columns as a Markdown table; there is at least one."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def summary(cards: Sequence[Card], min_bound: int = 40) -> list[str]:
    """Return a line per control: mean AUPRC of the entries and of it, over those with enough bound regions tested."""
    lines = []
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
    return lines


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
    return {**row, "verdict": card.gate.verdict if card.gate else ""}
