"""From a base and the regions of one TF to a zoo entry that has been compared with what there was before."""

from __future__ import annotations

import datetime
import fcntl
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.card import FinetunedCard, GateCard, TrainingCard, write_card
from kipoi_tfb.datasets import TrainingData
from kipoi_tfb.denovo import denovo_scorer
from kipoi_tfb.device import choose_device, choose_precision, describe
from kipoi_tfb.entry import Entry, locate_base, open_entry
from kipoi_tfb.evaluation import check_held_out, evaluate, record
from kipoi_tfb.features import FeatureHead, labelled_features
from kipoi_tfb.finetune_config import FinetuneConfig
from kipoi_tfb.finetune_data import FinetuneData
from kipoi_tfb.gate import NetworkScorer, judge
from kipoi_tfb.metrics import REPLICATES, TfMetrics, write_metrics
from kipoi_tfb.motifs import jaspar_scorer
from kipoi_tfb.predictor import Predictor, logits_of
from kipoi_tfb.publish import CITATION, write_entry
from kipoi_tfb.scorers import EntryScorer, Scorer, TableScorer
from kipoi_tfb.training import TrainingResult, train
from kipoi_tfb.transfer import ARMS, Nearest, nearest_output, start_network
from kipoi_tfb.zoo import find_entry
from tfb_matrix_data.errors import ConfigError, EntryError
from tfb_matrix_data.matrix import BindingMatrix, Kind
from tfb_matrix_data.modes import read_profiles

__all__ = ["CONTROLS_FILE", "Finetuned", "finetune"]

logger = logging.getLogger(__name__)

CONTROLS_FILE = "controls.tsv"
_CANDIDATE, _ACCEPTED, _REFUSED = "candidate", "entry", "refused"


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
        {scorer: its row}: the entry and its controls on the test regions.
    """

    entry: Entry
    gate: GateCard
    tables: dict[str, TfMetrics]


@dataclass(frozen=True)
class _Trained:
    """The networks of all seeds of an arm."""

    best: TrainingResult
    seed: int
    seeds: tuple[int, ...]
    losses: tuple[float, ...]
    seconds: float
    head_from: str | None


def finetune(
    config: FinetuneConfig,
    data: FinetuneData,
    folder: str | Path,
    device: str = "auto",
    precision: str = "auto",
    command: str = "",
    matrix: BindingMatrix | None = None,
    replicates: int = REPLICATES,
) -> Finetuned:
    """Fine-tune a base on one TF, test the best seed once beside its controls, and write it as a zoo entry.

    The controls are the same architecture from scratch with as many seeds, the base's own output for the TF (or the
    one that tells its training regions best), the TF's JASPAR profile, and a motif found in the training regions.
    Training that was interrupted in `folder` is resumed.

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

    Raises
    ------
    EntryError
        If `folder` holds a finished entry already, or the base is not there.
    ConfigError
        If the base was trained on the test chromosomes, or another process is at work in `folder`.
    """
    folder = Path(folder)
    for name in (_ACCEPTED, _REFUSED):
        if (folder / name).exists():
            raise EntryError(f"{folder / name} exists already; remove it or use another --out")
    base = find_entry(config.base)
    if base.card.finetuned is not None:
        raise ConfigError(f"{base.name} is fine-tuned itself, from {base.card.base}; give that as the base")
    check_held_out([EntryScorer(config.base, "cpu")], data.test.chromosomes)
    # Where the entry will look for it: worth knowing before the training.
    locate_base((folder / _ACCEPTED).absolute(), base.card.name, base.card.weights.sha256, config.entry_name)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        try:
            return _finetune(config, base, data, folder, device, precision, command, matrix, replicates)
        finally:
            shutil.rmtree(folder / _CANDIDATE, ignore_errors=True)


def _finetune(
    config: FinetuneConfig,
    base: Entry,
    data: FinetuneData,
    folder: Path,
    device: str,
    precision: str,
    command: str,
    matrix: BindingMatrix | None,
    replicates: int,
) -> Finetuned:
    shutil.rmtree(folder / _CANDIDATE, ignore_errors=True)  # of a run that was killed
    chosen = choose_device(device)
    chosen_precision = choose_precision(precision, chosen)
    where = describe(chosen, chosen_precision)
    logger.info("device: %s", where)
    nearest = nearest_output(base, config.tf, data.training.train, device)
    own = _train(config, config.arm, base, data, nearest, folder, chosen, chosen_precision)
    scratch = None
    if config.arm != "scratch":
        scratch = _train(config, "scratch", base, data, nearest, folder, chosen, chosen_precision)
    recipe = config.recipe(base.card, config.arm, own.seed)
    training = TrainingCard(
        command=command,
        config=recipe,
        best_epoch=own.best.best_epoch,
        validation_loss=round(min(own.losses), 5),
        seconds=round(own.seconds, 1),
        device=where,
        precision=chosen_precision,
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
    candidate = write_entry(folder / _CANDIDATE, own.best.network, fields, windows, base)
    controls = _controls(config, base, data, nearest, scratch, chosen, chosen_precision)
    predictor = Predictor([candidate], device=device)
    return _judged(config, candidate, predictor, controls, data, folder, command, matrix, replicates)


def _train(
    config: FinetuneConfig,
    arm: str,
    base: Entry,
    data: FinetuneData,
    nearest: Nearest,
    folder: Path,
    device: torch.device,
    precision: str,
) -> _Trained:
    """Train an arm with every seed; the best is the one with the lowest validation loss."""
    seeds = tuple(range(config.seed, config.seed + config.seeds))
    losses: list[float] = []
    seconds, best, head_from = 0.0, None, None
    features: TrainingData | None = None
    for seed in seeds:
        start = start_network(arm, base, config.tf, data.training.train.labels, nearest, seed)
        place = folder / f"{arm}-{seed}"
        place.mkdir(exist_ok=True)
        recipe = config.recipe(base.card, arm, seed)
        if ARMS[arm].only_head:
            features = features or _features(start.network, data.training, device)
            result = train(recipe, features, place, device, precision, FeatureHead(start.network))
            result = replace(result, network=start.network)  # whose output layer it is
        else:
            result = train(recipe, data.training, place, device, precision, start.network, start.trainable)
        losses.append(min(record.validation_loss for record in result.history))
        seconds += sum(record.seconds for record in result.history)
        logger.info("%s, seed %d: validation loss %.4f (epoch %d)", arm, seed, losses[-1], result.best_epoch + 1)
        if best is None or losses[-1] < min(losses[:-1]):
            best = result
        head_from = start.head_from
    assert best is not None
    return _Trained(best, seeds[int(np.argmin(losses))], seeds, tuple(losses), seconds, head_from)


def _features(network: nn.Module, data: TrainingData, device: torch.device) -> TrainingData:
    """Return the data as the output layer sees them: the same for all seeds, as all else is frozen."""
    train_features, validation = (labelled_features(network, part, device) for part in (data.train, data.validation))
    return replace(data, train=train_features, validation=validation)  # type: ignore[arg-type]


def _controls(
    config: FinetuneConfig,
    base: Entry,
    data: FinetuneData,
    nearest: Nearest,
    scratch: _Trained | None,
    device: torch.device,
    precision: str,
) -> list[Scorer]:
    tf, train_windows = config.tf, data.training.train
    controls: list[Scorer] = []
    if scratch is not None:
        network = scratch.best.network.to(device).eval()
        controls.append(NetworkScorer("from scratch", (tf,), lambda codes: _logits(network, codes, device, precision)))
    whose = "its own output" if nearest.own else f"its {nearest.tf} output"
    predictor = Predictor([base], [nearest.tf], str(device))
    controls.append(NetworkScorer(f"{base.card.name} ({whose})", (tf,), predictor.logits))
    if tf in read_profiles():
        controls.append(
            jaspar_scorer([tf], train_windows.codes, train_windows.labels, config.seed, name="JASPAR motif")
        )
    else:
        logger.info("JASPAR 2020 has no profile of %s: that control is left out", tf)
    controls.append(denovo_scorer([tf], train_windows.codes, train_windows.labels, config.seed, name="de novo motif"))
    return controls


def _judged(
    config: FinetuneConfig,
    candidate: Entry,
    predictor: Predictor,
    controls: list[Scorer],
    data: FinetuneData,
    folder: Path,
    command: str,
    matrix: BindingMatrix | None,
    replicates: int,
) -> Finetuned:
    """Test the candidate beside its controls, once, and give it its verdict and its place."""
    own = NetworkScorer(config.entry_name, (config.tf,), predictor.logits)
    names = [control.name for control in controls]
    trained = {own.name: {config.tf: data.counts["train"]["bound"]}}
    scorers: list[Scorer | TableScorer] = [own, *controls]
    result = evaluate(scorers, data.test, config.seed, replicates, trained)
    gate = judge(result, own.name, names)
    kind: Kind | Literal["peaks"] = "peaks" if data.card.peaks_sha256 else config.labels
    rows = result.tables[own.name]
    areas = {name: result.tables[name][0].auprc for name in names}
    record(
        candidate, rows, matrix if kind != "peaks" else None, data.test.chromosomes, kind, config.seed, command,
        replicates, areas, min_bound=1,
    )  # fmt: skip
    write_metrics(result.tables, candidate.folder / CONTROLS_FILE)
    card = open_entry(candidate.folder).card.model_copy(update={"gate": gate})
    write_card(card, candidate.folder)
    place = folder / (_REFUSED if gate.verdict == "refused" else _ACCEPTED)
    candidate.folder.rename(place)
    return Finetuned(open_entry(place), gate, {name: table[0] for name, table in result.tables.items()})


def _logits(network: nn.Module, codes: NDArray[np.uint8], device: torch.device, precision: str) -> NDArray[np.float32]:
    return logits_of([network], codes, device, precision)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
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
