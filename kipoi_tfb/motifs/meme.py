"""Motifs written as MEME's minimal format, which its tools and `kipoi_tfb.motifs.read_motifs` read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kipoi_tfb.motifs.profiles import Motif, frequencies
from tfb_matrix_data.files import atomic_path

__all__ = ["write_meme"]

_HEAD = (
    "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n"
)


def write_meme(motifs: Sequence[Motif], path: str | Path) -> None:
    """Write motifs to a MEME file, each with the number of sites that it is made of (memelite's writer says 1)."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="ascii") as file:
        file.write(_HEAD)
        for motif in motifs:
            sites = max(1, round(float(motif.pfm.sum(0).max())))
            file.write(f"\nMOTIF {_word(motif.matrix_id)} {_word(motif.name)}\n")
            file.write(f"letter-probability matrix: alength= 4 w= {motif.width} nsites= {sites} E= 0\n")
            for column in frequencies(motif.pfm).T:
                file.write(" ".join(f"{share:.6f}" for share in column) + "\n")


def _word(text: str) -> str:
    return "".join("_" if letter.isspace() else letter for letter in text).encode("ascii", "replace").decode()
