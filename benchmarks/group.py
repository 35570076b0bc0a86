"""Groups of fine-tuned entries on one base beside one of them: loading, memory, windows per second.

The entries are made up (other output layers under `multi163`, and other motifs beside it): what they cost does not
depend on what they say.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from kipoi_tfb.models.build import build_network
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.card import DataCard, TrainingCard, write_card
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.finetuned_card import FinetunedCard
from kipoi_tfb.zoo.write import write_entry
from tfb_matrix_data.files import sha256

BASE, ENTRIES, MOTIFS, WINDOWS, ROUNDS = "multi163", 140, 4, 1024, 2


def main() -> None:
    codes = np.random.default_rng(0).integers(0, 4, (WINDOWS, 200), np.uint8)
    for arm, n_motifs, title in (("head", 0, "head-only"), ("motif-head", MOTIFS, f"motif-head ({MOTIFS} motifs)")):
        with tempfile.TemporaryDirectory() as folder:
            entries = _made_up(Path(folder), arm, n_motifs)
            one, _, _ = _measured(entries[:1], codes)
            many, seconds, grown = _measured(entries, codes)
            size = sum(path.stat().st_size for path in entries[0].folder.rglob("*") if path.is_file())
        print(f"| a {title} entry of {BASE} | {size / 1e3:.0f} kB | all its files |")
        print(f"| opening {ENTRIES} of them for prediction | {seconds:.1f} s | memory grows by {grown:.0f} MiB |")
        print(f"| predicting with one of them | {one:,.0f} windows/s | both strands, fp32 |")
        print(f"| predicting with {ENTRIES} of them | {many:,.0f} windows/s | {one / many:.2f} times the time of one |")


def _made_up(folder: Path, arm: str, n_motifs: int) -> list[Entry]:
    """Write entries of an arm; of each the output, and the motifs if it has some, are its own."""
    base = find_entry(BASE)
    card = base.card
    sizes = {**card.sizes, "own_motifs": n_motifs} if n_motifs else card.sizes
    network = build_network(card.architecture, 1, card.window_length, sizes)
    network.load_state_dict({**base.network().state_dict(), **_drawn(network.state_dict())})
    fields = {
        **card.model_dump(include={"architecture", "window_length", "citation"}),
        "sizes": sizes,
        "name": "tf/X000",
        "summary": "Made up by a benchmark.",
        "tasks": ("X000",),
        "base": card.name,
        "data": DataCard.model_validate(card.data.model_dump()),
        "training": TrainingCard.model_validate({**card.training.model_dump(), "config": None}),
        "finetuned": FinetunedCard(
            arm=arm, base_weights_sha256=card.weights.sha256, seeds=(0,), validation_losses=(0.5,), counts={}
        ),
    }
    first = write_entry(folder / "tf" / "X000", network, fields, base=base)
    for number in range(1, ENTRIES):
        copy = shutil.copytree(first.folder, folder / "tf" / f"X{number:03}")
        path = copy / first.card.weights.file
        torch.save(_drawn(torch.load(path, weights_only=True)), path)
        weights = first.card.weights.model_copy(update={"sha256": sha256(path)})
        own = {"name": f"tf/{copy.name}", "tasks": (copy.name,), "weights": weights}
        write_card(first.card.model_copy(update=own), copy)
    return [open_entry(path) for path in sorted((folder / "tf").iterdir())]


def _drawn(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return other numbers for what entries on one base have of their own."""
    own = {name: value for name, value in state.items() if name.startswith(("head.", "own_motifs."))}
    return {name: torch.randn_like(value) * 0.1 for name, value in own.items()}


def _measured(entries: list[Entry], codes: np.ndarray) -> tuple[float, float, float]:
    """Return windows per second (the best of some rounds), the seconds that loading took, and the memory it holds."""
    before, started = _memory(), time.perf_counter()
    predictor = Predictor(entries)
    loaded, grown = time.perf_counter() - started, _memory() - before
    rates = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        predictor.logits(codes)
        rates.append(len(codes) / (time.perf_counter() - started))
    return max(rates), loaded, grown


def _memory() -> float:
    """Return the MiB of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
