"""Whether contributions add up, for each architecture and method, on real windows; and how long they take.

    python -m benchmarks.completeness --matrix matrix.h5 --genome hg38.fa.gz

The windows are regions of the matrix, drawn with a seed. A row per entry and method: the largest error, how many of all
windows and TFs are within the bound (`kipoi_tfb.interpretation.completeness`), and the seconds that it took.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.interpretation.attributions import SHUFFLES, Explainer
from kipoi_tfb.interpretation.completeness import completeness_error, is_complete
from kipoi_tfb.interpretation.references import dinucleotide_shuffles
from kipoi_tfb.models.attributable import attributable
from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.networks import load_network
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import UNKNOWN

_PART = 32


class Errors(NamedTuple):
    error: NDArray
    output: NDArray
    reference: NDArray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", required=True, help="binding matrix made by `tfb data import`")
    parser.add_argument("--genome", required=True, help="FASTA that covers the matrix's regions")
    parser.add_argument("--entries", default="multi163,multi50,multi50-danq")
    parser.add_argument("--tfs", default="JUND,SP1,MAX", help="that all entries have")
    parser.add_argument("--windows", type=int, default=1000, help="for deeplift")
    parser.add_argument("--ig-windows", type=int, default=10, help="for ig, which takes up to 4,096 passes")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    codes = real_windows(given.matrix, given.genome, max(given.windows, given.ig_windows), given.seed)
    print("| entry | architecture | method | windows x TFs | largest error | median | within the bound | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    tfs = given.tfs.split(",")
    for name in given.entries.split(","):
        if find_entry(name).card.architecture != "danq":
            report(name, "deeplift", "deeplift", codes[: given.windows], tfs, by_explainer)
            report(name, "deeplift", "deeplift by tangermeme", codes[: given.ig_windows], tfs, by_tangermeme)
        report(name, "ig", "ig", codes[: given.ig_windows], tfs, by_explainer)


def real_windows(matrix: str, genome: str, n: int, seed: int) -> NDArray[np.uint8]:
    """Return windows of regions that have known bases only."""
    with BindingMatrix(matrix) as found:
        placed = np.flatnonzero(found.regions.start >= 0)
        drawn = np.random.default_rng(seed).choice(placed, min(3 * n, len(placed)), replace=False)
        codes = region_windows(found, Genome(genome), np.sort(drawn))
    known = codes[(codes < UNKNOWN).all(1)]
    return known[np.random.default_rng(seed).permutation(len(known))[:n]]


def report(name: str, method: str, title: str, codes: NDArray[np.uint8], tfs: list[str], run) -> None:  # noqa: ANN001
    started = time.perf_counter()
    parts = [run(name, method, codes[at : at + _PART], tfs) for at in range(0, len(codes), _PART)]
    seconds = time.perf_counter() - started
    error, output, reference = (np.concatenate(part) for part in zip(*parts, strict=True))
    within = is_complete(error, output, reference, method)
    print(
        f"| {name} | {find_entry(name).card.architecture} | {title} | {len(codes):,} x {len(tfs)} | {error.max():.1e} "
        f"| {np.median(error):.1e} | {within.sum():,} of {within.size:,} | {seconds:,.0f} |",
        flush=True,
    )


def by_explainer(name: str, method: str, codes: NDArray[np.uint8], tfs: list[str]) -> Errors:
    found = Explainer(find_entry(name), tfs, method)(codes)
    return Errors(found.error, found.output, found.reference)


def by_tangermeme(name: str, method: str, codes: NDArray[np.uint8], tfs: list[str]) -> Errors:
    """Return the errors of tangermeme's DeepLIFT on the same network and references."""
    from tangermeme.deep_lift_shap import deep_lift_shap

    entry = find_entry(name)
    network = attributable(load_network(entry))
    shuffles = np.stack([dinucleotide_shuffles(window, SHUFFLES) for window in codes])
    one_hot = to_one_hot(torch.from_numpy(codes))
    references = to_one_hot(torch.from_numpy(shuffles.reshape(-1, codes.shape[1]))).unflatten(0, shuffles.shape[:2])
    targets = [entry.card.tasks.index(tf) for tf in tfs]
    with torch.no_grad():
        output = network(one_hot)[:, targets].numpy()
        reference = network(references.flatten(0, 1)).unflatten(0, shuffles.shape[:2]).mean(1)[:, targets].numpy()
    found = []
    for target in targets:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the errors are what is measured
            values = deep_lift_shap(network, one_hot, target=target, references=references, device="cpu")
        found.append(values.sum(1).numpy())
    return Errors(completeness_error(np.stack(found, 1), output, reference), output, reference)


if __name__ == "__main__":
    main()
