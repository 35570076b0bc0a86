"""What the outputs should say, by strings and loops alone: nothing of the package's reading, cutting or aligning."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

LENGTH = 200
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
# The two contigs of the world, as NCBI names them in GRCh37 and GRCh38: typed here, not taken from the package.
_ACCESSIONS = {"NC_000001.10": "1", "NC_000001.11": "1", "NC_000002.11": "2", "NC_000002.12": "2"}

Contigs = dict[str, str]


def read_fasta(text: str) -> Contigs:
    """Return {name: bases in capitals} of a FASTA text, by its lines."""
    contigs: Contigs = {}
    name = ""
    for line in text.replace("\r", "").split("\n"):
        if line.startswith(">"):
            name = (line[1:].split() or [""])[0]
            contigs[name] = ""
        elif name:
            contigs[name] += line.strip().upper()
    return contigs


def contig_of(contigs: Contigs, name: str) -> str | None:
    """Return the name of a contig there: as it is, with ``chr`` added or taken away, or of or for its accession."""
    plain = _ACCESSIONS.get(name, name.removeprefix("chr"))
    accessions = (
        [] if name in _ACCESSIONS else [other for other, of in sorted(_ACCESSIONS.items())[::-1] if of == plain]
    )
    return next((other for other in (name, plain, f"chr{plain}", *accessions) if other in contigs), None)


def window(bases: str, start: int, length: int = LENGTH) -> str:
    """Return bases [start, start + length), N where there is no contig or no known base."""
    found = "".join(bases[i] if 0 <= i < len(bases) else "N" for i in range(start, start + length))
    return "".join(base if base in "ACGT" else "N" for base in found)


def normal_form(bases: str, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Return the 0-based start and the bases replaced and put there, trimmed and left-aligned (vt normalize)."""
    start, ref, alt = pos - 1, ref.upper(), alt.upper()
    if ref == alt:
        return start, ref, alt
    while True:
        if ref and alt and ref[-1] == alt[-1]:
            ref, alt = ref[:-1], alt[:-1]
        elif (not ref or not alt) and start and bases[start - 1] in "ACGT" and bases[start - 1] == (ref or alt)[-1]:
            start -= 1
            ref, alt = bases[start] + ref, bases[start] + alt
        else:
            break
    while ref and alt and ref[0] == alt[0]:
        start, ref, alt = start + 1, ref[1:], alt[1:]
    return start, ref, alt


def allele_windows(bases: str, pos: int, ref: str, alt: str) -> tuple[str, str]:
    """Return the windows of REF and ALT of one allele."""
    start, ref, alt = normal_form(bases, pos, ref, alt)
    left = window(bases, start - LENGTH // 2, LENGTH // 2)
    behind = window(bases, start + len(ref), LENGTH)
    return window(bases, start - LENGTH // 2), (left + alt + behind)[:LENGTH]


class Oracle:
    """Probabilities of windows that are strings, one at a time.

    Parameters
    ----------
    network
        In evaluation mode.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network.double()
        self._known: dict[str, list[float]] = {}

    def logits(self, bases: str) -> list[float]:
        """Return the strand-averaged logits of a window; NaN without a known base."""
        if bases not in self._known:  # most mutants leave most windows as they were
            self._known[bases] = self._computed(bases)
        return self._known[bases]

    def _computed(self, bases: str) -> list[float]:
        if not set(bases) - {"N"}:
            return [math.nan] * self.network.get_submodule("head").out_features
        strands = [bases, bases.translate(_COMPLEMENT)[::-1]]
        one_hot = np.array([[[base == letter for base in strand] for letter in "ACGT"] for strand in strands], float)
        with torch.no_grad():
            return self.network(torch.from_numpy(one_hot)).mean(0).tolist()

    def probabilities(self, bases: str) -> list[float]:
        """Return the probabilities of a window."""
        return [1 / (1 + math.exp(-value)) for value in self.logits(bases)]
