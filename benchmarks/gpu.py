"""The whole path on a GPU, or another device: training, inference and `tfb score`, by architecture and precision.

    python benchmarks/gpu.py [--seconds 90] [--device auto] [-o FILE]
    python benchmarks/gpu.py --insert FILE      # what was measured elsewhere, into docs/benchmarks.md

All data are made up (random windows, labels and genome; networks that were not trained), so that nothing else is
needed; but the package must be installed, or entries have no templates. A measurement repeats its work for its share of
`--seconds`, after a warm-up; how busy the GPU is is sampled from `nvidia-smi` meanwhile, memory is the peak that torch
took. tf32 is fp32 with the 10 bits of mantissa that tensor cores take; `tfb` never computes so in fp32, since the
numbers are others than on a CPU: it is shown for what it costs.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.device import autocast, choose_device, describe, keep_freed_memory
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.training.batches import Batches
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.training.objective import Objective
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.zoo.card import DataCard, TrainingCard
from kipoi_tfb.zoo.config import PretrainConfig
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.write import CITATION, write_entry
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.sequence import decode

NETWORKS: dict[str, dict[str, int]] = {
    "paper-cnn": {},
    "danq": {},
    "motif-cnn": {},
    "motif-cnn, 2 members": {"members": 2},
    "motif-cnn, multi163-fast": {"filters": 128, "channels": 96, "pool": 8, "hidden": 256},
}
REPORT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
SECTION = (
    "## On a GPU\n\nPrinted by `python benchmarks/gpu.py`, with made-up data; `tfb` itself never computes in tf32.\n\n"
)
BATCH, READ_EVERY, LENGTH, CONTIG = 256, 32, 200, "chr22"
PRECISIONS = ("fp32", "tf32", "bf16")  # of training
UTILISATION = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]


class Sizes(NamedTuple):
    """How much is made up."""

    windows: int = 65_536
    variants: int = 8_000
    tfs: int = 163


class Measured(NamedTuple):
    """What one measurement found."""

    rate: float
    busy: float | None
    gib: float | None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=90.0, help="of all measurements together, about")
    parser.add_argument("-o", "--output", type=Path, help="the table is written there too")
    parser.add_argument("--sizes", type=int, nargs=3, default=Sizes(), help=argparse.SUPPRESS)
    parser.add_argument("--insert", type=Path, help="put this table into docs/benchmarks.md, and measure nothing")
    options = parser.parse_args(arguments)
    if options.insert:
        REPORT.write_text(with_section(REPORT.read_text(), options.insert.read_text()))
        return
    device, sizes = choose_device(options.device), Sizes(*options.sizes)
    # Warm-ups, and a last piece of work that is not cut short, take about as long as what is measured.
    each = options.seconds / 2 / (7 * len(NETWORKS))
    lines = [f"{describe(device, 'torch ' + torch.__version__)}, {datetime.date.today().isoformat()}", "", *HEADER]
    print("\n".join(lines), flush=True)
    for line in measure_all(device, sizes, each):
        print(line, flush=True)
        lines.append(line)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


def with_section(report: str, table: str) -> str:
    """Return the report with this table in place of the one that it had."""
    return f"{report.partition(SECTION)[0].rstrip()}\n\n{SECTION}{table.strip()}\n"


HEADER = ("| network | precision | what | per second | GPU in use | peak memory |", "|---|---|---|---:|---:|---:|")


def measure_all(device: torch.device, sizes: Sizes, seconds: float) -> Iterator[str]:
    """Yield a line per measurement."""
    keep_freed_memory()
    windows = made_up_windows(sizes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        genome, vcf = made_up_variants(folder, sizes.variants)
        for title, network_sizes in NETWORKS.items():
            network = build_network(title.split(",")[0], sizes.tfs, LENGTH, network_sizes)
            for precision in PRECISIONS:
                with numbers(precision):
                    found = trained(network, windows, device, precision, seconds)
                    yield line(title, precision, "training windows", found)
            entry = made_up_entry(folder / title.replace(", ", "-").replace(" ", "-"), title, network, sizes)
            network = for_inference(network.eval()).to(device)
            for precision in ("fp32", "bf16"):
                found = predicted(network, windows, device, precision, seconds)
                yield line(title, precision, "windows predicted, both strands", found)
            for precision in ("fp32", "bf16"):
                found = scored(entry, vcf, genome, device, precision, seconds, sizes.variants)
                yield line(title, precision, "variants scored, file to file", found)


def line(title: str, precision: str, what: str, found: Measured) -> str:
    busy = "" if found.busy is None else f"{found.busy:.0f} %"
    memory = "" if found.gib is None else f"{found.gib:.2f} GiB"
    return f"| {title} | {precision} | {what} | {found.rate:,.0f} | {busy} | {memory} |"


def trained(
    network: nn.Module, windows: LabelledWindows, device: torch.device, precision: str, seconds: float
) -> Measured:
    """Measure steps of training, as `tfb pretrain` makes them; the network stays as it was."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    objective = Objective(network.train()).to(device)
    optimiser = torch.optim.AdamW(objective.parameters(), fused=device.type in {"cpu", "cuda"})
    config = PretrainConfig(name="made-up", summary="", batch_size=BATCH, shift=4)
    batches, steps = Batches(windows, device), len(windows) // BATCH
    chosen, done, losses = batches.choose(config, 0, steps), 0, list[Tensor]()

    def work() -> int:
        nonlocal done
        inputs, labels, _ = batches.batch(chosen.part(slice(done % steps * BATCH, (done % steps + 1) * BATCH)))
        with computing(device, precision):
            loss = objective(inputs, labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
        done += 1
        if done % READ_EVERY == 0:
            torch.stack(losses).tolist()
            losses.clear()
        return BATCH

    try:
        return measure(work, device, seconds)
    finally:
        network.load_state_dict(before)
        network.cpu()


def predicted(
    network: nn.Module, windows: LabelledWindows, device: torch.device, precision: str, seconds: float
) -> Measured:
    """Measure predictions from codes on the host to logits on the host."""
    part = windows.codes[: 8 * BATCH if device.type == "cpu" else None]

    def work() -> int:
        logits_of([network], part, device, precision)
        return len(part)

    return measure(work, device, seconds)


def scored(
    entry: Entry, vcf: Path, genome: Path, device: torch.device, precision: str, seconds: float, n: int
) -> Measured:
    """Measure `tfb score` from a VCF to a table, without the start of the process."""
    predictor = Predictor([entry], device=str(device), precision=precision)

    def work() -> int:
        output = vcf.with_suffix(".tsv")
        score_variants(predictor, vcf, Genome(genome), output, ScoringOptions(top=0))
        output.unlink()
        return n

    return measure(work, device, seconds, warm_up=1)


def measure(work: Callable[[], int], device: torch.device, seconds: float, warm_up: int = 3) -> Measured:
    """Repeat work, which returns how many items it did, for some seconds; once at least."""
    for _ in range(warm_up):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    with utilisation() as samples:
        started, items = time.perf_counter(), 0
        while not items or time.perf_counter() - started < seconds:
            items += work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        took = time.perf_counter() - started
    gib = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
    return Measured(items / took, float(np.mean(samples)) if samples else None, gib)


@contextlib.contextmanager
def utilisation() -> Iterator[list[float]]:
    """Sample in how many percent of the time a GPU has been at work; an empty list where there is no GPU."""
    samples: list[float] = []
    if not (torch.cuda.is_available() and shutil.which(UTILISATION[0])):
        yield samples
        return
    process = subprocess.Popen(UTILISATION, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    output = process.stdout
    reader = threading.Thread(target=lambda: samples.extend(float(x) for x in output if x.strip().isdigit()))
    reader.start()
    try:
        yield samples
    finally:
        process.terminate()
        process.wait()
        reader.join()


@contextlib.contextmanager
def numbers(precision: str) -> Iterator[None]:
    """Let float32 be computed in TF32, where that is asked for; cuDNN's own switch is in `computing`."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def computing(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    if precision == "tf32":
        return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=True)
    return autocast(device, precision)


def made_up_windows(sizes: Sizes) -> LabelledWindows:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (sizes.windows, LENGTH), np.uint8)
    labels = rng.integers(-1, 2, (sizes.windows, sizes.tfs), np.int8)
    return LabelledWindows(np.arange(sizes.windows), codes, labels)


def made_up_variants(folder: Path, n: int) -> tuple[Path, Path]:
    """Write a random genome and a VCF of substitutions."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 40 * n + 1000, np.uint8)
    places = 500 + 40 * np.arange(n)
    others = (codes[places] + rng.integers(1, 4, n, np.uint8)) % 4
    bases = decode(codes)
    genome, vcf = folder / "genome.fa", folder / "variants.vcf"
    lines = [bases[start : start + 60] for start in range(0, len(bases), 60)]
    genome.write_text(f">{CONTIG}\n" + "\n".join(lines) + "\n")
    records = zip(places.tolist(), decode(others), strict=True)
    rows = [f"{CONTIG}\t{place + 1}\t.\t{bases[place]}\t{other}\t.\t.\t.\n" for place, other in records]
    head = f"##fileformat=VCFv4.3\n##contig=<ID={CONTIG},length={len(bases)}>\n"
    vcf.write_text(f"{head}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "".join(rows))
    return genome, vcf


def made_up_entry(folder: Path, title: str, network: nn.Module, sizes: Sizes) -> Entry:
    """Write an entry of a network that was not trained."""
    data = DataCard(
        source="made up", matrix_sha256="0" * 64, assembly="made up", genome="genome.fa", train_chromosomes=("chr1",),
        validation_chromosomes=("chr21",), test_chromosomes=(CONTIG,), excluded_chromosomes=(), n_train=1,
        n_validation=1,
    )  # fmt: skip
    config = PretrainConfig(name=folder.name, summary="Made up.")
    training = TrainingCard(
        command="made up", config=config, best_epoch=0, validation_loss=0.5, seconds=1.0, device="cpu",
        precision="fp32", torch=torch.__version__, date="2026-01-01",
    )  # fmt: skip
    fields = {
        "name": folder.name, "summary": "Made up by a benchmark.", "architecture": title.split(",")[0],
        "sizes": NETWORKS[title], "tasks": tuple(f"TF{i}" for i in range(sizes.tfs)), "data": data,
        "training": training, "citation": (CITATION,),
    }  # fmt: skip
    return write_entry(folder, network.eval().cpu(), fields)


if __name__ == "__main__":
    sys.exit(main())
