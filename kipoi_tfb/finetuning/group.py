"""A model per TF: fine-tuning one base on every TF of a binding matrix that has enough data."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from kipoi_tfb.evaluation.metrics import REPLICATES
from kipoi_tfb.finetuning.arms import ARMS
from kipoi_tfb.finetuning.config import FinetuneConfig
from kipoi_tfb.finetuning.controls import lacking
from kipoi_tfb.finetuning.data import LEAST_BOUND, load_finetune_data
from kipoi_tfb.finetuning.features import FeatureBank, open_bank
from kipoi_tfb.finetuning.fields import output_card
from kipoi_tfb.finetuning.job import alone_in, finetune, finished
from kipoi_tfb.models.device import choose_device
from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.zoo.controls import CONTROLS, ControlKind
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.cells import as_cell
from tfb_matrix_data.errors import ConfigError, TfbError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.genome import Genome, region_windows
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.names import PART, file_part, same_part
from tfb_matrix_data.sequence import UNKNOWN
from tfb_matrix_data.splits import split_by_chromosome

__all__ = [
    "LEFT_OUT_FILE",
    "GroupRun",
    "Outcome",
    "TfCount",
    "count_bound",
    "finetune_group",
    "whole_regions",
]

logger = logging.getLogger(__name__)

LEFT_OUT_FILE = "left-out.tsv"
"""TFs that there is no entry of, accepted or refused, and why."""


@dataclass(frozen=True)
class TfCount:
    """Bound regions of a TF by use; of regions whose place is known and whose window has no N.

    Attributes
    ----------
    tf
        Name.
    train, validation, test
        Bound regions; the chromosome of acceptance has no use and does not count.
    """

    tf: str
    train: int
    validation: int
    test: int

    @property
    def total(self) -> int:
        """Of all uses."""
        return self.train + self.validation + self.test

    def lacks(self, min_bound: int) -> str:
        """Say why there is not enough to learn from, or nothing."""
        if self.total < min_bound:
            return f"{self.total} bound regions, at least {min_bound} are wanted"
        for use, least in LEAST_BOUND.items():
            if getattr(self, use) < least:
                return f"{getattr(self, use)} bound regions for {use}, at least {least} are needed"
        return ""


@dataclass(frozen=True)
class Outcome:
    """What became of a TF.

    Attributes
    ----------
    tf
        Name.
    verdict
        Of the gate; ``there already`` where nothing was left to do, ``failed`` where `error` says why.
    words
        Of the gate, or the error.
    seconds
        It took.
    """

    tf: str
    verdict: str
    words: str
    seconds: float


@dataclass(frozen=True)
class GroupRun:
    """What is the same for all TFs of a group.

    Attributes
    ----------
    config
        With the TF to be replaced.
    group
        Name in the zoo; entries are called ``group/TF``, the TF by its `tfb_matrix_data.names.file_part`.
    matrix, genome
        Paths.
    out
        Folder of a folder per TF, each as `kipoi_tfb.finetuning.job.finetune` leaves it.
    controls, device, precision, command, replicates
        See `kipoi_tfb.finetuning.job.finetune`.
    threads
        CPU threads of each TF, however many are made at a time: the last bits of a sum depend on how it is shared out.
    exclude
        Where the configuration says `exclude_base`: regions that the base was made from, see `base_regions`.
    """

    config: FinetuneConfig
    group: str
    matrix: Path
    genome: Path
    out: Path
    controls: tuple[ControlKind, ...] = CONTROLS
    device: str = "auto"
    precision: str = "auto"
    command: str = ""
    replicates: int = REPLICATES
    threads: int = 1
    exclude: NDArray[np.int64] | None = None

    def of(self, tf: str) -> FinetuneConfig:
        """Return the configuration of a TF."""
        return self.config.model_copy(update={"tf": tf, "name": f"{self.group}/{file_part(tf)}"})

    def is_done(self, tf: str, base: Entry) -> bool:
        """Whether there is an entry of the TF, accepted or refused, that lacks none of the controls.

        Raises
        ------
        ConfigError
            If there is one that another group, base, arm or other cell types were asked for.
        """
        entry = finished(self.out / file_part(tf))
        if entry is None:
            return False
        found = entry.card.finetuned
        data, config = entry.card.data, self.config
        made = (entry.card.name, found and (found.arm, found.output, found.base_weights_sha256))
        regions = (data.cell_types, data.n_excluded is not None)
        wanted = (f"{self.group}/{file_part(tf)}", (config.arm, output_card(config), base.card.weights.sha256))
        if (made, regions) != (wanted, (config.cell_types, config.exclude_base)):
            raise ConfigError(
                f"{entry.folder} is {entry.card.name}, made from another base or by another arm or from other regions "
                "than this; use another --output"
            )
        return not lacking(entry, self.controls)


def whole_regions(matrix: BindingMatrix, genome: Genome) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the regions that some use has and whose window has no N: indices, ascending, and their codes."""
    split = split_by_chromosome(matrix.regions)
    index = np.sort(np.concatenate([split.train, split.validation, split.test]))
    codes = region_windows(matrix, genome, index)
    whole = ~(codes == UNKNOWN).any(1)
    return index[whole], codes[whole]


def count_bound(
    matrix: BindingMatrix,
    whole: NDArray[np.int64],
    kind: Kind = "sparse",
    tfs: Sequence[str] | None = None,
    cell_types: Sequence[str] | None = None,
) -> list[TfCount]:
    """Return how many bound regions each TF has for each use, in the order given.

    Parameters
    ----------
    matrix
        Labels.
    whole
        Regions that count, see `whole_regions`.
    kind
        Which labels.
    tfs, cell_types
        Default all of the matrix.

    Raises
    ------
    UnknownNameError
        If the matrix does not know one.
    """
    split = split_by_chromosome(matrix.regions)
    bound = [
        (matrix.labels(tfs, np.intersect1d(part, whole), kind, cell_types) == 1).sum(0)
        for part in (split.train, split.validation, split.test)
    ]
    return [TfCount(tf, *(int(part[i]) for part in bound)) for i, tf in enumerate(tfs or matrix.tfs)]


def finetune_group(run: GroupRun, counts: Sequence[TfCount], min_bound: int, jobs: int = 1) -> Iterator[Outcome]:
    """Fine-tune the base on each TF that has enough data; yield what became of each as it is known.

    TFs that are done are left alone, and one that was interrupted is gone on with: the same call may be given again
    and again. TFs without an entry, and why, are in `LEFT_OUT_FILE`. The entries are the same for any `jobs`.

    Parameters
    ----------
    run
        What to do.
    counts
        TFs to choose from.
    min_bound
        Bound regions that a TF must have in all.
    jobs
        Processes, each of which makes one TF at a time.

    Raises
    ------
    ConfigError
        If no TF has enough data, or `run.out` holds entries of another base or arm.
    LockedError
        If another process is at work in `run.out`.
    """
    left_out = {count.tf: why for count in counts if (why := count.lacks(min_bound))}
    chosen = [count.tf for count in counts if count.tf not in left_out]
    if not chosen:
        raise ConfigError(f"no TF has {min_bound} bound regions; lower --min-bound")
    if fault := PART.fault(run.group) or same_part(chosen):
        raise ConfigError(f"group {run.group!r}: {fault}")
    # The largest first: none is left to run alone at the end.
    size = {count.tf: count.total for count in counts}
    base = find_entry(run.config.base)
    todo = sorted((tf for tf in chosen if not run.is_done(tf, base)), key=lambda tf: -size[tf])
    for tf in chosen:
        if tf not in todo:
            yield Outcome(tf, "there already", "", 0.0)
    run.out.mkdir(parents=True, exist_ok=True)
    with alone_in(run.out), progress_bar(f"{run.group}/", len(chosen)) as advance:
        _write_left_out(run.out, left_out)
        advance(len(chosen) - len(todo))
        # Of all TFs there are: the same features, whatever is left to do.
        for outcome in _outcomes(run, todo, [count.tf for count in counts], jobs):
            if outcome.verdict == "failed":
                left_out[outcome.tf] = outcome.words
                _write_left_out(run.out, left_out)
            advance(1, outcome.tf)
            yield outcome


def _write_left_out(out: Path, reasons: Mapping[str, str]) -> None:
    with atomic_path(out / LEFT_OUT_FILE) as temporary:
        lines = (f"{tf}\t{as_cell(why)}\n" for tf, why in sorted(reasons.items()))
        temporary.write_text("tf\twhy\n" + "".join(lines))


def _outcomes(run: GroupRun, todo: Sequence[str], tfs: Sequence[str], jobs: int) -> Iterator[Outcome]:
    if not todo:
        return
    bank = _bank(run, tfs)
    if jobs == 1:
        with BindingMatrix(run.matrix) as matrix:
            genome = Genome(run.genome)
            for tf in todo:
                yield _one(run, tf, matrix, genome, bank)
        return
    place = None if bank is None else (bank.region, bank.path)
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    pool = ProcessPoolExecutor(min(jobs, len(todo)), context, _start_worker, (run, place))
    try:
        for future in as_completed([pool.submit(_in_worker, tf) for tf in todo]):
            yield future.result()
    except BrokenProcessPool:
        raise TfbError(
            "a process was killed, perhaps for want of memory; give the command again, with fewer --jobs: what is "
            "finished stays"
        ) from None
    finally:  # after Ctrl-C, which the workers get as well: what is not begun is not begun
        pool.shutdown(wait=True, cancel_futures=True)


def _bank(run: GroupRun, tfs: Sequence[str]) -> FeatureBank | None:
    """Return the base's features of all regions that are resolved for one of the TFs, for an arm that needs them."""
    if ARMS[run.config.arm].learning_rate is not None:
        return None
    with BindingMatrix(run.matrix) as matrix:
        region, codes = whole_regions(matrix, Genome(run.genome))
        resolved = (matrix.labels(tfs, region, run.config.labels, run.config.cell_types) >= 0).any(1)
    return open_bank(find_entry(run.config.base), region[resolved], codes[resolved], choose_device(run.device))


_worker: dict = {}
"""What a process has opened: a matrix, a genome and a bank serve all its TFs."""


def _start_worker(run: GroupRun, bank: tuple[NDArray[np.int64], Path] | None) -> None:
    opened = None if bank is None else FeatureBank(bank[0], np.load(bank[1], mmap_mode="r"), bank[1])
    _worker.update(run=run, matrix=BindingMatrix(run.matrix), genome=Genome(run.genome), bank=opened)


def _in_worker(tf: str) -> Outcome:
    return _one(_worker["run"], tf, _worker["matrix"], _worker["genome"], _worker["bank"])


@contextmanager
def _threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with threadpool_limits(n):
            yield
    finally:
        torch.set_num_threads(before)


def _one(run: GroupRun, tf: str, matrix: BindingMatrix, genome: Genome, bank: FeatureBank | None) -> Outcome:
    started = time.monotonic()
    config = run.of(tf)
    try:
        with _threads(run.threads):
            data = load_finetune_data(config, find_entry(config.base), matrix, genome, run.exclude)
            found = finetune(
                config, data, run.out / file_part(tf), run.device, run.precision, run.command, matrix, run.replicates,
                run.controls, bank,
            )  # fmt: skip
    except TfbError as error:
        return Outcome(tf, "failed", str(error), time.monotonic() - started)
    return Outcome(tf, found.gate.verdict, found.gate.words, time.monotonic() - started)
