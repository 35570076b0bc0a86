"""Ours beside what others use, on the very same network and inputs, in one run: ratios, and that the numbers are equal.

    python benchmarks/peers.py [--entry multi163] [--windows 4096] [--rounds 3] [--files]

tangermeme (its `predict` and `variant_effect.substitution_effect`) gets the entry's network in two ways: as a module
that averages the strands and shares the scan between them, as ours does, and as the network alone, given each window
and its reverse complement. kipoi-veff2's method is to predict both whole windows of every variant, one strand, in
batches of 100 (benchmarks/scoring.py); here both strands, for equal numbers. Peers take turns, the fastest of all
rounds counts, and tangermeme's batch is the best of three. With `--files` whole commands follow: `tfb score` against
kipoi-veff2's method and `tfb predict` against stock `kipoi predict`, from and to files. The genome is made up.

Stops if numbers differ by more than float32 rounds. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import predict as kipoi_predict
import scoring
import torch
from gpu import CONTIG, made_up_variants
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.models.logits import average, strand_logits, to_one_hot
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.networks import load_network

BATCHES = (32, 64, 128)
VEFF2_BATCH = 100
TOLERANCE = 1e-3
"""By how much two logits of one window may differ."""
FILES_ENTRY, FILES_VARIANTS = "multi50", 10_000


class BothStrands(nn.Module):
    """A network as ours runs it: the mean of the strands, which share what they can."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, one_hot: Tensor) -> Tensor:
        return average(strand_logits(self.network, one_hot))


class EachStrand(nn.Module):
    """A network as anybody would run it on both strands."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, one_hot: Tensor) -> Tensor:
        return (self.network(one_hot) + self.network(one_hot.flip((1, 2)))) / 2


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entry", default="multi163")
    parser.add_argument("--windows", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", action="store_true", help="whole commands too (kipoi must be installed)")
    options = parser.parse_args(arguments)
    entry = find_entry(options.entry)
    predictions(entry, options.windows, options.rounds)
    variants(entry, options.windows, options.rounds)
    if options.files:
        files()


def predictions(entry: Entry, n: int, rounds: int) -> None:
    """Print windows per second of the peers, and what ours is to each."""
    from tangermeme.predict import predict

    ref, _, _ = made_up(n, entry.card.window_length)
    predictor, one_hot = Predictor([entry]), to_one_hot(torch.from_numpy(ref), torch.int8)
    peers: dict[str, Callable[[], NDArray]] = {"tfb predict": lambda: predictor.logits(ref)}
    for name, module in modules(entry).items():
        for batch in BATCHES:
            peers[f"tangermeme predict, {name}, batch {batch}"] = lambda module=module, batch=batch: predict(
                module, one_hot, batch_size=batch, dtype="float32", device="cpu"
            ).numpy()
    tell(f"{entry.name}, {n:,} windows, both strands", "windows", n, race(peers, rounds))


def variants(entry: Entry, n: int, rounds: int) -> None:
    """Print variants per second of the peers, and what ours is to each."""
    from tangermeme.variant_effect import substitution_effect

    ref, alt, places = made_up(n, entry.card.window_length)
    predictor, one_hot = Predictor([entry]), to_one_hot(torch.from_numpy(ref), torch.int8)
    changes = torch.from_numpy(np.stack([np.arange(n), places, alt[np.arange(n), places]], axis=1))

    def ours() -> NDArray:
        before, after = predictor.allele_logits(ref, alt)
        return after - before

    def veff2(network: nn.Module) -> NDArray:
        module, found = EachStrand(network), []
        with torch.inference_mode():
            for start in range(0, n, VEFF2_BATCH):
                codes = (torch.from_numpy(c[start : start + VEFF2_BATCH]) for c in (ref, alt))
                before, after = (module(to_one_hot(part)) for part in codes)
                found.append(after - before)
        return torch.cat(found).numpy()

    peers: dict[str, Callable[[], NDArray]] = {"tfb score": ours}
    for name, module in modules(entry).items():
        for batch in BATCHES:

            def theirs(module: nn.Module = module, batch: int = batch) -> NDArray:
                how = {"batch_size": batch, "dtype": "float32", "device": "cpu"}
                before, after = substitution_effect(module, one_hot, changes, additional_func_kwargs=how)
                return (after - before).numpy()

            peers[f"tangermeme substitution_effect, {name}, batch {batch}"] = theirs
    network = load_network(entry)
    peers[f"kipoi-veff2's method, both strands, batch {VEFF2_BATCH}"] = lambda: veff2(network)
    tell(f"{entry.name}, {n:,} substitutions, both strands", "variants", n, race(peers, rounds))


def files() -> None:
    """Print what whole commands take, from files to files."""
    entry = find_entry(FILES_ENTRY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        genome, vcf = made_up_variants(folder, FILES_VARIANTS)
        scoring.run(scoring.score_command(FILES_ENTRY, vcf, genome, "fp32"))  # fills the genome's cache
        ours, _ = scoring.run(scoring.score_command(FILES_ENTRY, vcf, genome, "fp32"))
        theirs, probabilities = scoring.kipoi_veff2(FILES_ENTRY, vcf, genome, folder / "veff2.tsv", VEFF2_BATCH)
        equal = scoring.check(FILES_ENTRY, vcf, genome, probabilities).split(" | ")[0]
        print(
            f"| tfb score, {FILES_ENTRY}, {FILES_VARIANTS:,} variants, file to file | {FILES_VARIANTS / ours:,.0f} "
            f"variants/s | {theirs / ours:.2f} times kipoi-veff2's method (one strand, without its start); "
            f"probabilities {equal} |"
        )
        bed, table = folder / "regions.bed", folder / "ours.tsv"
        starts = 300 + 40 * np.arange(FILES_VARIANTS)
        bed.write_text("".join(f"{CONTIG}\t{start}\t{start + 200}\n" for start in starts.tolist()))
        command = ["tfb", "predict", FILES_ENTRY, "--regions", str(bed), "--genome", str(genome), "-o", str(table)]
        ours = min(kipoi_predict.run(command, folder) for _ in range(2))
        model = folder / "stock"
        kipoi_predict.write_model(entry, model, "BothStrands")
        command = ["kipoi", "predict", str(model), "--source=dir", "--batch_size=32", "-o", str(folder / "stock.tsv")]
        command += ["--dataloader_args", f"intervals_file={bed}", f"fasta_file={genome}"]
        theirs = kipoi_predict.run(command, folder)
        kipoi_predict.compare(table, folder / "stock.tsv", entry)
        print(
            f"| tfb predict, {FILES_ENTRY}, {FILES_VARIANTS:,} regions, file to file | {FILES_VARIANTS / ours:,.0f} "
            f"regions/s | {theirs / ours:.2f} times stock kipoi predict (BothStrands, SeqIntervalDl, batch 32); equal |"
        )


def modules(entry: Entry) -> dict[str, nn.Module]:
    return {"scan shared": BothStrands(load_network(entry)), "each strand": EachStrand(load_network(entry))}


def made_up(n: int, length: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Return random windows, the same with one base changed in the middle, and where that is."""
    rng = np.random.default_rng(0)
    ref = rng.integers(0, 4, (n, length), np.uint8)
    alt, places = ref.copy(), np.full(n, length // 2)
    alt[np.arange(n), places] = (ref[np.arange(n), places] + rng.integers(1, 4, n, np.uint8)) % 4
    return ref, alt, places


def race(peers: dict[str, Callable[[], NDArray]], rounds: int) -> dict[str, float]:
    """Return the seconds of each peer, the least of all rounds; stop if the first and another differ."""
    names, found = list(peers), {name: run() for name, run in peers.items()}
    for name in names[1:]:
        worst = float(np.abs(found[name] - found[names[0]]).max())
        if not worst <= TOLERANCE:  # nor NaN
            raise SystemExit(f"{name} and {names[0]} differ by up to {worst:.2g}: not the same network or windows")
    least = dict.fromkeys(names, float("inf"))
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            started = time.perf_counter()
            peers[name]()
            least[name] = min(least[name], time.perf_counter() - started)
    return least


def tell(what: str, unit: str, n: int, seconds: dict[str, float]) -> None:
    """Print a line per peer: of one that was run with several batches, the best."""
    (name, ours), *others = seconds.items()
    print(
        f"| {name}: {what} | {n / ours:,.0f} {unit}/s | {torch.get_num_threads()} threads of {os.cpu_count()} cores |"
    )
    best: dict[str, tuple[float, str]] = {}
    for peer, took in others:
        title, batch = peer.rsplit(", batch ", 1)
        best[title] = min(best.get(title, (float("inf"), "")), (took, batch))
    for title, (took, batch) in best.items():
        print(f"| {title} | {n / took:,.0f} {unit}/s | batch {batch}; equal; ours: {took / ours:.2f} times as many |")


if __name__ == "__main__":
    main()
