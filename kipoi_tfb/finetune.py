"""From a base and the regions of one TF to a zoo entry that has been compared with what there was before."""

from __future__ import annotations

import datetime
import fcntl
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.card import CONTROLS, ControlKind, FinetunedCard, GateCard, HeadCard, TrainingCard, write_card
from kipoi_tfb.denovo import denovo_scorer
from kipoi_tfb.device import choose_device, choose_precision, describe
from kipoi_tfb.entry import Entry, locate_base, open_entry
from kipoi_tfb.evaluation import check_held_out, evaluate, record
from kipoi_tfb.features import FeatureBank, window_features
from kipoi_tfb.finetune_config import FinetuneConfig
from kipoi_tfb.finetune_data import FinetuneData
from kipoi_tfb.gate import NOT_RUN, KnownScores, NetworkScorer, judge
from kipoi_tfb.head import Lesson, balancing_weights, fit_head
from kipoi_tfb.metrics import REPLICATES, TfMetrics, write_metrics
from kipoi_tfb.motifs import jaspar_scorer
from kipoi_tfb.predictor import logits_of
from kipoi_tfb.publish import CITATION, write_entry
from kipoi_tfb.scorers import EntryScorer, Scorer, TableScorer
from kipoi_tfb.shared import head_of
from kipoi_tfb.training import TrainingResult, train
from kipoi_tfb.transfer import ARMS, Nearest, nearest_output, start_network
from kipoi_tfb.zoo import ACCEPTED, CANDIDATE, CONTROLS_FILE, REFUSED, find_entry
from tfb_matrix_data.errors import ConfigError, EntryError, UnknownNameError
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

__all__ = ["Finetuned", "alone_in", "finetune", "finished", "lacking"]

logger = logging.getLogger(__name__)

_MOST_BOUND = 5000
"""Bound regions in each draw that an output layer is fitted to: more say no more, and take longer."""
_GOLDEN_WINDOWS = 64


@dataclass(frozen=True)
class Finetuned:
    """What came of it.

    Attributes
    ----------
    entry
        In ``entry``, or in ``refused`` where the verdict says so.
    gate
        The verdict.
    tables
        {scorer: its row}: the entry and the controls that were run now, on the test regions.
    """

    entry: Entry
    gate: GateCard
    tables: dict[str, TfMetrics]


@dataclass(frozen=True)
class _Trained:
    """The networks of all seeds of an arm."""

    network: nn.Module
    seed: int
    best_epoch: int
    seeds: tuple[int, ...]
    losses: tuple[float, ...]
    seconds: float
    head_from: str | None
    head: HeadCard | None = None


@dataclass(frozen=True)
class _Work:
    """What all steps of a fine-tune need."""

    config: FinetuneConfig
    base: Entry
    data: FinetuneData
    folder: Path
    device: torch.device
    precision: str
    command: str
    matrix: BindingMatrix | None
    replicates: int
    bank: FeatureBank | None

    def features(self, region: NDArray[np.int64], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the base's output layer sees of windows, float32 (windows, features)."""
        if self.bank is not None:
            return self.bank.of(region)
        return window_features(self.base, codes, self.device)

    def nearest(self) -> Nearest:
        """Return the base's output that is nearest to the TF."""
        weight, bias = (value.numpy() for value in head_of(self.base))
        train_windows, tf, device = self.data.training.train, self.config.tf, str(self.device)
        if self.bank is None:
            return nearest_output(self.base, tf, train_windows, device)
        bank = self.bank
        return nearest_output(
            self.base, tf, train_windows, device, lambda windows: bank.of(windows.region) @ weight.T + bias
        )


def finished(folder: str | Path) -> Entry | None:
    """Return the entry that a fine-tune left in its folder, accepted or refused; None if there is none yet."""
    for name in (ACCEPTED, REFUSED):
        if (Path(folder) / name).exists():
            return open_entry(Path(folder) / name)
    return None


def finetune(
    config: FinetuneConfig,
    data: FinetuneData,
    folder: str | Path,
    device: str = "auto",
    precision: str = "auto",
    command: str = "",
    matrix: BindingMatrix | None = None,
    replicates: int = REPLICATES,
    controls: Sequence[ControlKind] = CONTROLS,
    bank: FeatureBank | None = None,
) -> Finetuned:
    """Fine-tune a base on one TF, test what came of it once beside its controls, and write it as a zoo entry.

    The controls are the same architecture from scratch with as many seeds, the base's own output for the TF (or the
    one that tells its training regions best), the TF's JASPAR profile, and a motif found in the training regions.
    Training that was interrupted in `folder` is resumed. Where `folder` holds a finished entry that lacks some of the
    controls, these are run, and the verdict is given anew; the entry itself stays as it is.

    Parameters
    ----------
    config
        What to start from, and how to train.
    data
        Regions.
    folder
        For checkpoints and the entry: ``entry``, or ``refused``; ``controls.tsv`` is in both.
    device, precision
        See `kipoi_tfb.device`.
    command
        The command line, for the card.
    matrix
        Where the labels are from, if they are.
    replicates
        Of the bootstrap.
    controls
        Which of `kipoi_tfb.card.CONTROLS` are run; at least one.
    bank
        The base's features of all regions, if they are there already.

    Raises
    ------
    EntryError
        If `folder` holds a finished entry already that lacks none of the controls, or the base is not there.
    ConfigError
        If the base was trained on the test chromosomes, another process is at work in `folder`, or the finished entry
        there was made from something else.
    """
    folder = Path(folder)
    for control in controls:
        if control not in CONTROLS:
            raise UnknownNameError("control", control, CONTROLS)
    _check_not_done(finished(folder), controls)
    base = find_entry(config.base)
    if base.card.finetuned is not None:
        raise ConfigError(f"{base.name} is fine-tuned itself, from {base.card.base}; give that as the base")
    check_held_out([EntryScorer(config.base, "cpu")], data.test.chromosomes)
    # Where the entry will look for it: worth knowing before the training.
    locate_base((folder / ACCEPTED).absolute(), base.card.name, base.card.weights.sha256, config.entry_name)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = choose_device(device)
    chosen_precision = choose_precision(precision, chosen)
    with alone_in(folder):
        work = _Work(config, base, data, folder, chosen, chosen_precision, command, matrix, replicates, bank)
        shutil.rmtree(folder / CANDIDATE, ignore_errors=True)  # of a run that was killed
        _put_back(folder)
        before = finished(folder)
        _check_not_done(before, controls)
        try:
            return _finetune(work, controls) if before is None else _compare_further(work, before, controls)
        finally:
            shutil.rmtree(folder / CANDIDATE, ignore_errors=True)


def _check_not_done(entry: Entry | None, controls: Sequence[ControlKind]) -> None:
    if entry is not None and not lacking(entry, controls):
        raise EntryError(f"{entry.folder} exists already; remove it or use another --out")


def lacking(entry: Entry, controls: Sequence[ControlKind]) -> list[ControlKind]:
    """Return those of the controls that an entry was not compared with, though it could be."""
    gate = entry.card.gate
    if gate is None:
        return []
    return [kind for kind in controls if gate.not_run.get(kind) == NOT_RUN]


def _finetune(work: _Work, controls: Sequence[ControlKind]) -> Finetuned:
    config, base, data = work.config, work.base, work.data
    where = describe(work.device, work.precision)
    logger.info("device: %s", where)
    nearest = work.nearest()
    own = _fit(work, nearest) if ARMS[config.arm].learning_rate is None else _train(work, config.arm, nearest)
    _to_natural_share(own.network, data.every["train"].labels)
    training = TrainingCard(
        command=work.command,
        config=None if own.head is not None else config.recipe(base.card, config.arm, own.seed),
        best_epoch=own.best_epoch,
        validation_loss=round(own.head.loss if own.head else min(own.losses), 5),
        seconds=round(own.seconds, 1),
        device=where,
        precision="fp32" if own.head else work.precision,
        torch=torch.__version__,
        date=datetime.date.today().isoformat(),
    )
    finetuned = FinetunedCard(
        arm=config.arm,
        base_weights_sha256=base.card.weights.sha256,
        head_from=own.head_from,
        seeds=own.seeds,
        validation_losses=tuple(round(loss, 5) for loss in own.losses),
        counts=data.counts,
        head=own.head,
    )
    fields = {
        "name": config.entry_name,
        "summary": f"Binding of {config.tf} from {base.card.window_length} bp of sequence; fine-tuned from "
        f"{base.card.name}: {ARMS[config.arm].what}.",
        "architecture": base.card.architecture,
        "sizes": base.card.sizes,
        "window_length": base.card.window_length,
        "tasks": (config.tf,),
        "base": base.card.name,
        "data": data.card,
        "training": training,
        "finetuned": finetuned,
        "licence": config.licence,
        "citation": (CITATION,),
    }
    windows = data.training.validation.codes
    # An output layer is stored as it is: a few windows are enough to see that.
    windows = windows[:_GOLDEN_WINDOWS] if own.head else windows
    candidate = write_entry(work.folder / CANDIDATE, own.network, fields, windows, base)
    return _judged(work, candidate, nearest, controls)


def _to_natural_share(network: nn.Module, labels: NDArray[np.int8]) -> None:
    """Lower the output from 1:1, where it was learnt, to the share of bound regions among all that are resolved.

    That is what the probabilities of the other models refer to (docs/conventions.md); no ranking changes.
    """
    bound, unbound = int((labels == 1).sum()), int((labels == 0).sum())
    with torch.no_grad():
        network.get_parameter("head.bias").add_(float(np.log(bound / unbound)))


def _compare_further(work: _Work, before: Entry, controls: Sequence[ControlKind]) -> Finetuned:
    """Run controls that were left out before, with a copy of the entry, which takes its place when it is whole."""
    card = before.card
    made = (card.name, card.data, card.finetuned and (card.finetuned.arm, card.finetuned.base_weights_sha256))
    asked = (work.config.entry_name, work.data.card, (work.config.arm, work.base.card.weights.sha256))
    if made != asked:
        raise ConfigError(
            f"{before.folder} was made from other regions, another base or by another arm than these; give the same to "
            "run more controls, or use another --out"
        )
    candidate = open_entry(shutil.copytree(before.folder, work.folder / CANDIDATE))
    return _judged(work, candidate, work.nearest(), lacking(before, controls), before)


def _fit(work: _Work, nearest: Nearest) -> _Trained:
    """Fit the output layer alone."""
    started = time.monotonic()
    config, every = work.config, work.data.every
    start = start_network("head", work.base, config.tf, work.data.training.train.labels, nearest, config.seed)
    pool, seeds = every["train"], tuple(range(config.seed, config.seed + config.seeds))
    gc, labels = gc_content(pool.codes), pool.labels[:, 0]
    n_bound = int((labels == 1).sum())
    limit = _MOST_BOUND if n_bound > _MOST_BOUND else None
    draws = [np.sort(balanced_sample(labels, gc, seed_of(seed, 0), limit).regions) for seed in seeds]
    drawn = np.unique(np.concatenate(draws))
    seen = work.features(pool.region[drawn], pool.codes[drawn])
    lessons = [
        Lesson(seen[np.searchsorted(drawn, draw)], labels[draw] == 1, np.ones(len(draw), np.float32)) for draw in draws
    ]
    validation = every["validation"]
    bound = validation.labels[:, 0] == 1
    judge_by = Lesson(
        work.features(validation.region, validation.codes),
        bound,
        balancing_weights(bound, gc_content(validation.codes)),
    )
    head = cast(nn.Linear, start.network.get_submodule("head"))
    found = fit_head(lessons, judge_by, head.weight.detach().numpy()[0], float(head.bias.item()))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(found.weight))
        head.bias.copy_(torch.from_numpy(found.bias))
    kept = "the start" if found.card.penalty is None else f"penalty {found.card.penalty:g}"
    logger.info("head: %s, validation AUPRC %.4f (start %.4f)", kept, found.card.auprc, found.card.start_auprc)
    seconds = time.monotonic() - started
    return _Trained(start.network, config.seed, 0, seeds, found.losses, seconds, start.head_from, found.card)


def _train(work: _Work, arm: str, nearest: Nearest) -> _Trained:
    """Train an arm with every seed; the best is the one with the lowest validation loss."""
    config, base, data = work.config, work.base, work.data
    seeds = tuple(range(config.seed, config.seed + config.seeds))
    losses: list[float] = []
    best: TrainingResult | None = None
    seconds, head_from = 0.0, None
    for seed in seeds:
        start = start_network(arm, base, config.tf, data.training.train.labels, nearest, seed)
        place = work.folder / f"{arm}-{seed}"
        place.mkdir(exist_ok=True)
        recipe = config.recipe(base.card, arm, seed)
        result = train(recipe, data.training, place, work.device, work.precision, start.network, start.trainable)
        losses.append(min(record.validation_loss for record in result.history))
        seconds += sum(record.seconds for record in result.history)
        logger.info("%s, seed %d: validation loss %.4f (epoch %d)", arm, seed, losses[-1], result.best_epoch + 1)
        if best is None or losses[-1] < min(losses[:-1]):
            best = result
        head_from = start.head_from
    assert best is not None
    network, seed = best.network, seeds[int(np.argmin(losses))]
    return _Trained(network, seed, best.best_epoch, seeds, tuple(losses), seconds, head_from)


@dataclass(frozen=True)
class _Tested:
    """What scores the test regions: the entry, and what it is compared with.

    Attributes
    ----------
    not_run
        {control: why}, of those asked for that cannot be.
    """

    own: Scorer | TableScorer
    controls: dict[ControlKind, Scorer | TableScorer]
    not_run: dict[ControlKind, str]


def _scorers(work: _Work, candidate: Entry, nearest: Nearest, controls: Sequence[ControlKind]) -> _Tested:
    config, base, data = work.config, work.base, work.data
    tf, train_windows = config.tf, data.training.train
    found: dict[ControlKind, Scorer | TableScorer] = {}
    not_run: dict[ControlKind, str] = {}
    features: list[NDArray[np.float32]] = []  # computed once, and only if someone asks

    def by_head(name: str, entry: Entry, row: int) -> KnownScores:
        if not features:
            features.append(work.features(data.test_region, data.test.codes))
        weight, bias = (value.numpy() for value in head_of(entry))
        return KnownScores(name, tf, features[0] @ weight[row] + bias[row])

    own: Scorer | TableScorer
    if candidate.own_head() is not None:
        own = by_head(config.entry_name, candidate, 0)
    else:
        own = _network_scorer(config.entry_name, tf, candidate.load(), work.device, "fp32")
    if "base" in controls:
        whose = "its own output" if nearest.own else f"its {nearest.tf} output"
        found["base"] = by_head(f"{base.card.name} ({whose})", base, base.card.tasks.index(nearest.tf))
    codes, labels = train_windows.codes, train_windows.labels
    if "jaspar" in controls and tf in read_profiles():
        found["jaspar"] = jaspar_scorer([tf], codes, labels, config.seed, name="JASPAR motif")
    elif "jaspar" in controls:
        not_run["jaspar"] = f"JASPAR 2020 has no profile of {tf}"
        logger.info("%s: that control is left out", not_run["jaspar"])
    if "denovo" in controls:
        found["denovo"] = denovo_scorer([tf], codes, labels, config.seed, name="de novo motif")
    if "scratch" in controls and config.arm != "scratch":
        network = _train(work, "scratch", nearest).network
        found["scratch"] = _network_scorer("from scratch", tf, network, work.device, work.precision)
    elif "scratch" in controls:
        not_run["scratch"] = "it is that itself"
    return _Tested(own, found, not_run)


def _network_scorer(name: str, tf: str, network: nn.Module, device: torch.device, precision: str) -> NetworkScorer:
    placed = network.to(device).eval()
    score: Callable[[NDArray[np.uint8]], NDArray[np.float32]] = lambda codes: logits_of(  # noqa: E731
        [placed], codes, device, precision
    )
    return NetworkScorer(name, (tf,), score)


def _judged(
    work: _Work, candidate: Entry, nearest: Nearest, controls: Sequence[ControlKind], before: Entry | None = None
) -> Finetuned:
    """Test the candidate beside its controls, give it its verdict and its place."""
    config, data = work.config, work.data
    tested = _scorers(work, candidate, nearest, controls)
    names = {scorer.name: kind for kind, scorer in tested.controls.items()}
    trained = {config.entry_name: {config.tf: data.counts["train"]["bound"]}}
    result = evaluate([tested.own, *tested.controls.values()], data.test, config.seed, work.replicates, trained)
    earlier = before.card.gate if before else None
    gate = judge(result, config.entry_name, names, earlier, tested.not_run)
    kind: Kind | Literal["peaks"] = "peaks" if data.card.peaks_sha256 else config.labels
    areas = {control.name: control.auprc for control in gate.controls}
    matrix = work.matrix if kind != "peaks" else None
    record(
        candidate, result.tables[config.entry_name], matrix, data.test.chromosomes, kind, config.seed, work.command,
        work.replicates, areas, min_bound=1,
    )  # fmt: skip
    earlier_lines = (before.folder / CONTROLS_FILE).read_text().splitlines()[1:] if before else []
    write_metrics(result.tables, candidate.folder / CONTROLS_FILE)
    with open(candidate.folder / CONTROLS_FILE, "a") as stream:
        stream.writelines(f"{line}\n" for line in earlier_lines if line.split("\t")[0] not in result.tables)
    card = open_entry(candidate.folder).card.model_copy(update={"gate": gate})
    write_card(card, candidate.folder)
    place = work.folder / (REFUSED if gate.verdict == "refused" else ACCEPTED)
    if before is not None:
        before.folder.rename(_aside(before.folder))
    candidate.folder.rename(place)
    if before is not None:
        shutil.rmtree(_aside(before.folder))
    return Finetuned(open_entry(place), gate, {name: table[0] for name, table in result.tables.items()})


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.part")


def _put_back(folder: Path) -> None:
    """Mend what is left of a run that was killed between giving an entry its new verdict and taking the old away."""
    for name in (ACCEPTED, REFUSED):
        aside = _aside(folder / name)
        if aside.exists() and finished(folder) is None:
            aside.rename(folder / name)
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from writing the same entry; the lock goes with the process, however it ends.

    Raises
    ------
    ConfigError
        If one is at it.
    """
    with open(folder / ".lock", "w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"another tfb finetune is writing to {folder}; wait for it, or use another --out"
            ) from None
        yield
