"""STREME of the MEME suite, run as a program (Bailey 2021, doi:10.1093/bioinformatics/btab203)."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.motifs.profiles import Motif, read_motifs
from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.sequence import decode

__all__ = ["run_streme"]


def run_streme(
    program: str,
    positives: NDArray[np.uint8],
    negatives: NDArray[np.uint8],
    n_motifs: int,
    max_width: int,
    seed: int = 0,
    tf: str = "",
) -> list[Motif]:
    """Return the motifs that STREME finds, in its order, with no windows held out (``--hofract 0``, as in the paper).

    Parameters
    ----------
    program
        Path of the program.
    positives, negatives
        uint8 (windows, length).
    n_motifs, max_width, seed
        STREME's ``--nmotifs``, ``--maxw`` and ``--seed``.
    tf
        Named in the motifs.

    Raises
    ------
    TfbError
        If the program cannot be run, fails, or writes no motif file; the message has the last line it wrote.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, codes in (("positives", positives), ("negatives", negatives)):
            lines = itertools.chain.from_iterable((f">{i}", decode(window)) for i, window in enumerate(codes))
            (folder / f"{part}.fa").write_text("\n".join(lines) + "\n")
        command = [program, "--p", f"{folder}/positives.fa", "--n", f"{folder}/negatives.fa", "--dna", "--oc", name]
        command += ["--nmotifs", str(n_motifs), "--maxw", str(max_width), "--hofract", "0", "--seed", str(seed)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise TfbError(f"{program} cannot be run ({error.strerror}); mend it, or use engine='own'") from None
        output = folder / "streme.txt"
        if done.returncode or not output.exists():
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise TfbError(f"{program} failed (exit {done.returncode}): {said}; mend it, or use engine='own'")
        return [Motif(motif.name, motif.matrix_id, tf, motif.pfm) for motif in read_motifs(output, "meme")]
