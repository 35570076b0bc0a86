"""How far bfloat16 shifts the effects of variants, against how far these are spread.

    python benchmarks/effect_shift.py [--matrix matrix.h5 --genome hg38.fa] [--entries NAME,NAME] [--regions N]

Takes the three substitutions in the middle of regions: of random ones of a matrix, or of the embedded example. The
shift of an effect is what it is in bfloat16 minus what it is in float32; the spread, per TF, is the standard deviation
of the float32 effects. Where the root mean square of the shift is 0.5 % of the spread or more, bfloat16 is not safe.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import UNKNOWN

LIMIT = 0.5
LENGTH = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix")
    parser.add_argument("--genome")
    parser.add_argument("--entries", default="multi163,multi50,multi50-danq")
    parser.add_argument("--regions", type=int, default=1000, help="how many of the matrix")
    arguments = parser.parse_args()
    if bool(arguments.matrix) != bool(arguments.genome):
        parser.error("--matrix and --genome go together")
    windows = of_matrix(arguments.matrix, arguments.genome, arguments.regions) if arguments.matrix else of_example()
    ref, alt = substitutions(windows[windows[:, LENGTH // 2] < UNKNOWN])
    for name in arguments.entries.split(","):
        entry = find_entry(name)
        exact, rounded = (effects(Predictor([entry], precision=precision), ref, alt) for precision in ("fp32", "bf16"))
        shift = 100 * np.abs(rounded - exact) / exact.std(0)
        overall = float(np.sqrt(np.square(shift).mean()))
        r = np.corrcoef(exact.ravel(), rounded.ravel())[0, 1]
        print(
            f"| effects of {name} in bf16: shift | {overall:.2f} % of their spread | "
            f"{'safe' if overall < LIMIT else 'not safe'} (limit {LIMIT} %); median {np.median(shift):.2f} %, "
            f"95 % below {np.percentile(shift, 95):.2f} %, at most {shift.max():.1f} %; r = {r:.6f}; "
            f"{len(ref):,} SNVs x {exact.shape[1]} TFs, {'random regions' if arguments.matrix else 'the example'} |"
        )


def of_matrix(matrix: str, fasta: str, n: int) -> NDArray[np.uint8]:
    """Return the windows of random regions, uint8 (regions, length)."""
    regions = BindingMatrix(matrix).regions
    rows = np.sort(np.random.default_rng(0).choice(np.flatnonzero(regions.start >= 0), n, replace=False))
    return Genome(fasta).windows(np.array(regions.chrom_names)[regions.chrom[rows]], regions.start[rows], LENGTH).codes


def of_example() -> NDArray[np.uint8]:
    """Return the windows of the embedded example's regions, uint8 (regions, length)."""
    example = Path(str(files("kipoi_tfb.dataloaders") / "example"))
    places = [line.split("\t") for line in (example / "regions.bed").read_text().splitlines()]
    starts = np.array([int(place[1]) for place in places])
    return Genome(example / "hg19.excerpt.fa.gz").windows([place[0] for place in places], starts, LENGTH).codes


def substitutions(windows: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return REF and ALT windows of the three substitutions of the middle base of each window."""
    ref = np.repeat(windows, 3, axis=0)
    alt = ref.copy()
    alt[:, LENGTH // 2] = (alt[:, LENGTH // 2] + np.tile([1, 2, 3], len(windows))) % 4
    return ref, alt


def effects(predictor: Predictor, ref: NDArray[np.uint8], alt: NDArray[np.uint8]) -> NDArray[np.float32]:
    of_ref, of_alt = predictor.allele_logits(ref, alt)
    return of_alt - of_ref


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
