"""Whether contributions add up, for each architecture and method, on real windows; and how long they take.

    python -m benchmarks.completeness --matrix matrix.h5 --genome hg38.fa.gz -o completeness/

The windows are regions of the matrix, drawn with a seed. A row per entry and method: the largest error, how many of
all windows and TFs are within the bound (`kipoi_tfb.interpretation.completeness`), and the seconds that it took. What
was explained is kept in the folder, a few windows to a file, so that a run that was stopped goes on; `ig` takes some
seconds for a window on a CPU. DeepLIFT has no rule for an LSTM: `ism`, which is left to it beside
`ig`, has no sum that its values should have.
"""

from __future__ import annotations

import argparse
import hashlib
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.interpretation.attributions import SHUFFLES, Explainer
from kipoi_tfb.interpretation.completeness import Method, completeness_error, is_complete
from kipoi_tfb.interpretation.references import dinucleotide_shuffles
from kipoi_tfb.models.attributable import attributable
from kipoi_tfb.models.device import choose_device
from kipoi_tfb.models.logits import to_one_hot
from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.networks import load_network
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import UNKNOWN

PART = 8
"""Windows to a file: what is lost when a run is stopped."""


class Errors(NamedTuple):
    """Of windows and TFs: float (windows, TFs) each."""

    error: NDArray
    output: NDArray
    reference: NDArray


Run = Callable[[NDArray[np.uint8]], Errors]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", required=True, help="binding matrix made by `tfb data import`")
    parser.add_argument("--genome", required=True, help="FASTA that covers the matrix's regions")
    parser.add_argument("-o", "--output", required=True, type=Path, help="folder for what is explained")
    parser.add_argument("--entries", default="multi163,multi50,multi50-danq")
    parser.add_argument("--tfs", default="JUND,SP1,MAX", help="that all entries have")
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--methods", default=",".join(ROWS), help="rows of an entry")
    parser.add_argument("--ig-windows", type=int, help="fewer for ig, which takes up to 5,184 passes for a window")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    given.output.mkdir(parents=True, exist_ok=True)
    codes = real_windows(given.matrix, given.genome, given.windows, given.seed)
    tfs = given.tfs.split(",")
    device = str(choose_device(given.device))
    print("| entry | architecture | method | windows x TFs | largest error | median | within the bound | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name in given.entries.split(","):
        entry = find_entry(name)
        for title in given.methods.split(","):
            method, measure = ROWS[title]
            try:
                run = measure(entry, tfs, device)
            except ConfigError as error:  # an operation without a rule
                print(f"| {name} | {entry.card.architecture} | {title} | refused: {error} | | | | |", flush=True)
                continue
            some = codes[: given.ig_windows] if method == "ig" else codes
            report(entry, method, title, run, some, tfs, given.output, device)


def real_windows(matrix: str, genome: str, n: int, seed: int) -> NDArray[np.uint8]:
    """Return windows of regions that have known bases only."""
    with BindingMatrix(matrix) as found:
        placed = np.flatnonzero(found.regions.start >= 0)
        drawn = np.random.default_rng(seed).choice(placed, min(3 * n, len(placed)), replace=False)
        codes = region_windows(found, Genome(genome), np.sort(drawn))
    known = codes[(codes < UNKNOWN).all(1)]
    return known[np.random.default_rng(seed).permutation(len(known))[:n]]


def report(
    entry: Entry,
    method: str,
    title: str,
    run: Run,
    codes: NDArray[np.uint8],
    tfs: list[str],
    folder: Path,
    device: str,
) -> None:
    """Print the row of an entry and a method."""
    parts, seconds = [], 0.0
    with progress_bar(f"{entry.name}, {title}", len(codes)) as advance:
        for at in range(0, len(codes), PART):
            some = codes[at : at + PART]
            took, errors = _kept(folder, (entry.card.weights.sha256, title, ",".join(tfs), device), run, some)
            parts.append(errors)
            seconds += took
            advance(len(some))
    error, output, reference = (np.concatenate(part) for part in zip(*parts, strict=True))
    within = is_complete(error, output, reference, method)
    print(
        f"| {entry.name} | {entry.card.architecture} | {title} | {len(codes):,} x {len(tfs)} | {error.max():.1e} "
        f"| {np.median(error):.1e} | {within.sum():,} of {within.size:,} | {seconds:,.0f} |",
        flush=True,
    )


def _kept(folder: Path, what: tuple[str, ...], run: Run, codes: NDArray[np.uint8]) -> tuple[float, Errors]:
    """Return the errors of some windows and the seconds they took, from the folder where an earlier run left them."""
    digest = hashlib.sha256("\n".join(what).encode() + codes.tobytes()).hexdigest()
    path = folder / f"{digest[:32]}.npz"
    if not path.is_file():
        started = time.perf_counter()
        errors = run(codes)
        seconds = time.perf_counter() - started
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, seconds=seconds, **errors._asdict())
    with np.load(path, allow_pickle=False) as held:
        return float(held["seconds"]), Errors(*(held[name] for name in Errors._fields))


def by_explainer(entry: Entry, tfs: list[str], device: str, method: Method = "deeplift") -> Run:
    """Return what measures our own contributions."""
    explainer = Explainer(entry, tfs, method, device=device)

    def run(codes: NDArray[np.uint8]) -> Errors:
        found = explainer(codes)
        return Errors(found.error, found.output, found.reference)

    return run


def by_tangermeme(entry: Entry, tfs: list[str], device: str) -> Run:
    """Return what measures those of tangermeme's DeepLIFT, on the same network and references."""
    from tangermeme.deep_lift_shap import deep_lift_shap

    network = attributable(load_network(entry)).to(device)
    targets = [entry.card.tasks.index(tf) for tf in tfs]

    def run(codes: NDArray[np.uint8]) -> Errors:
        one_hot, references = inputs(codes)
        with torch.no_grad():
            output = network(one_hot.to(device))[:, targets].cpu().numpy()
            logits = network(references.flatten(0, 1).to(device)).unflatten(0, references.shape[:2])
            reference = logits.mean(1)[:, targets].cpu().numpy()
        found = []
        for target in targets:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the errors are what is measured
                values = deep_lift_shap(network, one_hot, target=target, references=references, device=device)
            found.append(values.sum(1).cpu().numpy())
        return Errors(completeness_error(np.stack(found, 1), output, reference), output, reference)

    return run


def inputs(codes: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return windows as tangermeme takes them, (n, 4, length), and their shuffles, (n, shuffles, 4, length)."""
    shuffles = np.stack([dinucleotide_shuffles(window, SHUFFLES) for window in codes])
    references = to_one_hot(torch.from_numpy(shuffles.reshape(-1, codes.shape[1]))).unflatten(0, shuffles.shape[:2])
    return to_one_hot(torch.from_numpy(codes)), references


ROWS: dict[str, tuple[Method, Callable[[Entry, list[str], str], Run]]] = {
    "deeplift": ("deeplift", by_explainer),
    "deeplift by tangermeme": ("deeplift", by_tangermeme),
    "ig": ("ig", partial(by_explainer, method="ig")),
}
"""Of each entry: the method, and what measures it."""


if __name__ == "__main__":
    main()
