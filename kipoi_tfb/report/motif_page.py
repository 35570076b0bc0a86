"""The page of patterns: what TF-MoDISco found in contributions, with logos, and the known motif of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kipoi_tfb.interpretation.discovery import Discovery, Pattern
from kipoi_tfb.interpretation.files import About
from kipoi_tfb.interpretation.plot_patterns import plot_motif, plot_pattern
from kipoi_tfb.motifs.tomtom import ALIKE
from kipoi_tfb.report.contents import Facts, Leaflet, Picture, Section

__all__ = ["drawn", "patterns_leaflet"]

_HEAD = ("Pattern", "Seqlets", "Contributions, and frequencies", "Most like", "Known motif")
_LIMITS = (
    "Patterns are of the model, here: a base may matter to it because its neighbours were bound in the data.",
    "A name is the most similar JASPAR profile, not the protein: TFs of one family share motifs.",
    "A pattern of few seqlets may be a part of a larger one, or chance.",
    "What TF-MoDISco does not cluster is not shown.",
)


def drawn(draw: Callable[..., object], *arguments: Any, alt: str) -> Picture:
    """Return what a function draws to the path that it takes last."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.svg"
        draw(*arguments, path)
        return Picture(path.read_text(encoding="utf-8"), alt)


def patterns_leaflet(found: Discovery, tf: str, about: About, facts: Facts) -> Leaflet:
    """Return the page of patterns.

    Parameters
    ----------
    found
        Of `kipoi_tfb.interpretation.discover`.
    tf, about
        Whose contributions they are in.
    facts
        What was done with what.
    """
    signs = {"pos": "Towards binding", "neg": "Against binding"}
    sections = []
    for sign, title in signs.items():
        rows = [_row(pattern) for pattern in found.patterns if pattern.name.startswith(sign)]
        if rows:
            sections.append(Section(title, (_READING,), _HEAD, rows))
    known = sum(pattern.is_known for pattern in found.patterns)
    first = found.patterns[0]
    like = f"like {first.matches[0].motif.name}" if first.is_known else "like no known motif"
    brief = (
        f"In the contributions of {found.windows:,} windows to {tf} by {about.entry} ({about.method}), TF-MoDISco "
        f"finds {len(found.patterns)} patterns; {known} are like a known motif (q up to {ALIKE:g}). The first, of "
        f"{len(first.seqlets):,} places in {first.windows:,} windows, is {like}."
    )
    return Leaflet(facts, "motif report", f"Which motifs does the model of {tf} use?", brief, sections, _LIMITS)


_READING = (
    "Letters above: mean contribution of the base to the log-odds of binding. Letters below: how often each base is "
    "there, in bits. Between the grey lines is the motif that is compared with JASPAR's profiles (Tomtom)."
)


def _row(pattern: Pattern) -> list[str | Picture]:
    best = pattern.matches[0]
    consensus = pattern.consensus
    names = "; ".join(f"{match.motif.name} ({match.motif.matrix_id}), q {match.q:.1e}" for match in pattern.matches)
    return [
        pattern.name,
        f"{len(pattern.seqlets):,} in {pattern.windows:,} windows",
        drawn(plot_pattern, pattern, alt=f"Logo of {pattern.name}: {consensus}"),
        names,
        drawn(plot_motif, best.motif, alt=f"Logo of {best.motif.name}"),
    ]
