"""Picture of a grammar: what a partner's motif adds beside a TF's, by distance and orientation, against its null."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kipoi_tfb.interpretation.grammar import GrammarRow
from kipoi_tfb.output.figures import check_format, figure_file

__all__ = ["plot_grammar"]

_COLOURS = {"same": "#0072b2", "opposite": "#d55e00"}  # of Okabe and Ito, told apart by every eye
_MARKS = {"same": "o", "opposite": "^"}


def plot_grammar(tf: str, rows: Sequence[GrammarRow], path: str | Path, title: str = "") -> None:
    """Draw a panel per partner: mean and 95 % interval at each distance, the null as a grey band.

    Parameters
    ----------
    tf
        Whose binding it is about.
    rows
        Of `kipoi_tfb.interpretation.grammar.Grammar`; those of pairs are drawn.
    path
        .png, .svg or .pdf to write.
    title
        Above the picture.
    """
    check_format(path)
    pairs = [row for row in rows if row.distance is not None]
    partners = list(dict.fromkeys(row.site for row in pairs))
    with figure_file(path, (6.5, 0.5 + 2.4 * max(1, len(partners)))) as figure:
        figure.set_layout_engine("constrained")
        figure.suptitle(title or f"What a second motif adds to {tf}", fontsize=10, x=0.01, ha="left")
        panels = figure.subplots(max(1, len(partners)), 1, squeeze=False, sharex=True)[:, 0]
        for axes, partner in zip(panels, partners, strict=False):
            for way, colour in _COLOURS.items():
                for side in (-1, 1):  # no line across the TF's own motif
                    own = [
                        row
                        for row in pairs
                        if (row.site, row.orientation) == (partner, way) and side * (row.distance or 0) > 0
                    ]
                    x = [row.distance or 0 for row in own]
                    axes.fill_between(x, [r.null_low for r in own], [r.null_high for r in own], color="0.85", lw=0)
                    spread = [[r.effect - r.low for r in own], [r.high - r.effect for r in own]]
                    label = f"{way} strand" if side == 1 else None
                    axes.errorbar(
                        x, [r.effect for r in own], spread, color=colour, marker=_MARKS[way], ms=3, lw=1, label=label
                    )
            axes.axhline(0, color="0.5", lw=0.6)
            axes.axvline(0, color="0.5", lw=0.6, ls=":")
            axes.set_ylabel(f"{partner} beside {tf}\n(log-odds)", fontsize=8)
            axes.legend(frameon=False, fontsize=7, loc="upper right")
        panels[-1].set_xlabel(
            f"from the centre of {tf}'s motif to that of the other, bp (grey: its bases in another order)"
        )
