"""Training a multi-task network: one seed gives one result, also when it was killed and resumed."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.device import autocast, keep_freed_memory, numeric_differences, numeric_identity
from kipoi_tfb.models.logits import both_strands
from kipoi_tfb.models.tensors import load_tensors, save_tensors
from kipoi_tfb.output.progress import no_bar, progress_bar
from kipoi_tfb.training import processes
from kipoi_tfb.training.batches import Batches, Chosen
from kipoi_tfb.training.data import LabelledWindows, TrainingData
from kipoi_tfb.training.initialise import start_at_prior, start_from_jaspar
from kipoi_tfb.training.memory import explain_out_of_memory
from kipoi_tfb.training.objective import Objective, masked_loss
from kipoi_tfb.training.optimiser import keep_frozen, learning_rate, make_optimiser
from kipoi_tfb.zoo.config import PretrainConfig
from tfb_matrix_data.errors import ConfigError, DivergedError
from tfb_matrix_data.files import atomic_path

__all__ = ["EpochRecord", "TrainingResult", "train"]

logger = logging.getLogger(__name__)

_CHECKPOINT_SECONDS = 60
_EVALUATION_BATCH = 1024
_READ_EVERY = {"cuda": 32}
"""Steps after which a GPU's losses are read: to read one is to wait for it. Elsewhere it costs nothing."""


@dataclass(frozen=True)
class EpochRecord:
    """One line of the learning curve: losses are means over the resolved labels."""

    epoch: int
    train_loss: float
    validation_loss: float
    seconds: float


@dataclass
class TrainingResult:
    """The network of the best epoch (lowest validation loss) and how it came about."""

    network: nn.Module
    best_epoch: int
    history: list[EpochRecord] = field(default_factory=list)


def train(
    config: PretrainConfig,
    data: TrainingData,
    folder: str | Path | None,
    device: torch.device,
    precision: str = "fp32",
    network: nn.Module | None = None,
    trainable: Collection[str] | None = None,
) -> TrainingResult:
    """Train a network as configured, or resume it from the checkpoint in `folder`.

    Checkpoints are written every minute and after every epoch. All randomness is derived from the seed and the
    position (epoch, step), so that a resumed run goes on exactly as an uninterrupted one.

    Parameters
    ----------
    config, data
        What to train, and on what.
    folder
        Where ``checkpoint.pt`` and ``history.json`` go; None: nowhere, for trainings of seconds, which start anew.
    device, precision
        See `kipoi_tfb.models.device`.
    network
        What to start from, such as a network that was trained before; it is changed. Default: a new one of the
        configuration's architecture, which starts as the configuration says.
    trainable
        Names of the parameters that learn; default all. Batch normalisation whose parameters stay keeps its running
        averages too.

    Raises
    ------
    ConfigError
        If `folder` holds the checkpoint of another configuration or starting point.
    DivergedError
        If the loss or a weight is not finite; the last good checkpoint stays.
    TfbError
        If memory is not enough; so it does then.
    """
    place = None if folder is None else Path(folder)
    return _Trainer(config, data, place, device, precision, network, trainable).run()


class _Trainer:
    def __init__(
        self,
        config: PretrainConfig,
        data: TrainingData,
        folder: Path | None,
        device: torch.device,
        precision: str,
        network: nn.Module | None = None,
        trainable: Collection[str] | None = None,
    ) -> None:
        self.config, self.data, self.folder = config, data, folder
        self.device, self.precision = device, precision
        self.n_samples = len(data.train) * (2 if config.strands == "both" else 1)
        if config.batch_size < 2 * processes.world_size():
            raise ConfigError(
                f"batch_size {config.batch_size} is shared by {processes.world_size()} processes: at least 2 for each"
            )
        # Batch normalisation learns nothing from a single window: a last batch of one (per process) is left out.
        full, rest = divmod(self.n_samples, config.batch_size)
        self.steps_per_epoch = max(1, full + (rest >= 2 * processes.world_size()))
        torch.manual_seed(config.seed)
        keep_freed_memory()
        start = [] if network is None else [_digest(network), trainable and sorted(trainable)]
        if network is None:
            network = _new_network(config, data)
        if trainable is not None:
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(name in trainable)
        weight = config.teacher.weight if config.teacher is not None else 0.0
        self.objective = processes.prepare(Objective(network, weight).to(device), device)
        self.network = self.objective.get_submodule("network")
        self.batches = Batches(data.train, device)
        self.optimiser = make_optimiser(config, self.objective, device)
        self.step, self.epoch_loss, self.epoch_seconds = 0, 0.0, 0.0
        self.history: list[EpochRecord] = []
        self.best: dict[str, Tensor] = {}
        # What a checkpoint must have been made with to be resumed; several processes do not keep last bits anyway.
        self.identity = json.dumps(
            [config.model_dump(mode="json"), data.tfs, len(data.train), precision, *start], sort_keys=True
        )
        self.numbers = {} if processes.world_size() > 1 else numeric_identity(device, threads=True)
        self._load_checkpoint()
        self.replica = processes.replicate(self.objective, device)

    def run(self) -> TrainingResult:
        total = self.steps_per_epoch * self.config.epochs
        with progress_bar(f"training {self.config.name}", total) if processes.is_main() else no_bar() as advance:
            advance(self.step)
            while self.step < total and not self._out_of_patience():
                self._run_epoch(advance)
        best_epoch = min(self.history, key=lambda record: record.validation_loss).epoch
        self.network.load_state_dict(self.best)
        self.network.eval()
        return TrainingResult(self.network, best_epoch, self.history)

    def _out_of_patience(self) -> bool:
        losses = [record.validation_loss for record in self.history]
        return self.config.patience is not None and len(losses) - int(np.argmin(losses or [0])) > self.config.patience

    def _run_epoch(self, advance) -> None:  # noqa: ANN001 (see progress_bar)
        epoch, done = divmod(self.step, self.steps_per_epoch)
        chosen = self.batches.choose(self.config, epoch, self.steps_per_epoch)
        self.objective.train()
        keep_frozen(self.network)
        started = saved = time.monotonic()
        losses: list[Tensor] = []
        for batch in range(done, self.steps_per_epoch):
            part = slice(batch * self.config.batch_size, (batch + 1) * self.config.batch_size)
            losses.append(self._step(chosen.part(part).own_share()))
            self.step += 1
            # Not after the last batch: a run that is resumed there would not finish this epoch.
            last = batch + 1 == self.steps_per_epoch
            due = not last and time.monotonic() - saved > _CHECKPOINT_SECONDS
            if last or due or len(losses) == _READ_EVERY.get(self.device.type, 1):
                self._read(losses)
                loss = f"loss {self.epoch_loss / (batch + 1):.4f}"
                advance(len(losses), text=f"epoch {epoch + 1}/{self.config.epochs}, {loss}")
                losses = []
            if due:
                saved = time.monotonic()
                self.epoch_seconds += saved - started
                started = saved
                self._save_checkpoint()
        self._finish_epoch(epoch, self.epoch_seconds + time.monotonic() - started)

    def _read(self, losses: list[Tensor]) -> None:
        """Add the losses of the last steps up; refuse one that is not finite."""
        for back, value in enumerate(torch.stack(losses).tolist(), -len(losses)):
            if not math.isfinite(value):
                raise self._not_finite(f"the loss became {value}", self.step + back)
            self.epoch_loss += value

    def _step(self, chosen: Chosen) -> Tensor:
        # Of several processes, the others would not know of an attempt with less.
        attempt = (lambda n: self._update(chosen.part(slice(n)))) if processes.world_size() == 1 else None
        with explain_out_of_memory(self.config.batch_size, attempt):
            loss = self._update(chosen)
        return loss

    def _update(self, chosen: Chosen) -> Tensor:
        """Learn from one batch; return its loss, which is not read yet."""
        inputs, labels, targets = self.batches.batch(chosen)
        # Dropout: other masks in each step, and in each process.
        torch.manual_seed((self.config.seed << 32) + (processes.rank() << 26) + self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        with autocast(self.device, self.precision):
            loss = self.replica(inputs, labels, targets)
        loss = processes.whole_batch(loss, (labels >= 0).sum())
        value = processes.global_mean(loss)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return value

    def _not_finite(self, what: str, step: int | None = None) -> DivergedError:
        kept = None if self.folder is None else self.folder / "checkpoint.pt"
        there = kept is not None and kept.is_file()
        before = f"the checkpoint {kept} is of before" if there else "there is no checkpoint yet"
        return DivergedError(
            f"training {self.config.name}: {what} at step {self.step if step is None else step}; {before}. "
            f"Lower learning_rate ({self.config.learning_rate}) or use --precision fp32"
        )

    def _check_finite(self) -> None:
        """Refuse weights that an update has spoilt: no later step can mend them, and no checkpoint may hold them."""
        state = self.network.state_dict()
        finite = torch.stack([torch.isfinite(value).all() for value in state.values()]).tolist()  # one wait for a GPU
        for name, is_finite in zip(state, finite, strict=True):
            if not is_finite:
                raise self._not_finite(f"weight {name} became nan or infinite")

    def _learning_rate(self) -> float:
        return learning_rate(self.config, self.step, self.steps_per_epoch * self.config.epochs)

    def _finish_epoch(self, epoch: int, seconds: float) -> None:
        self._check_finite()
        processes.share_buffers(self.network)
        validation = self._validation_loss(self.data.validation)
        record = EpochRecord(epoch, self.epoch_loss / self.steps_per_epoch, validation, round(seconds, 1))
        if not np.isfinite(validation):
            raise self._not_finite(f"the validation loss became {validation}")
        if not self.history or validation < min(r.validation_loss for r in self.history):
            self.best = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.history.append(record)
        self.epoch_loss = self.epoch_seconds = 0.0
        self._save_checkpoint()
        if processes.is_main() and self.folder is not None:
            with atomic_path(self.folder / "history.json") as temporary:
                temporary.write_text(json.dumps([asdict(r) for r in self.history], indent=1) + "\n")
        rate = self.n_samples / max(seconds, 1e-9)
        at = (epoch + 1, self.config.epochs, record.train_loss, validation, seconds, rate)
        logger.info("epoch %d/%d: train loss %.4f, validation loss %.4f, %.0f s (%.0f sequences/s)", *at)

    @torch.inference_mode()
    def _validation_loss(self, windows: LabelledWindows) -> float:
        self.network.eval()
        total = resolved = 0.0
        starts = range(0, len(windows), _EVALUATION_BATCH)
        for start in starts[processes.rank() :: processes.world_size()]:
            part = slice(start, start + _EVALUATION_BATCH)
            labels = torch.from_numpy(windows.labels[part]).to(self.device)
            with autocast(self.device, self.precision):
                logits = both_strands(self.network, windows.part(part, self.device))
            n = float((labels >= 0).sum())
            total += masked_loss(logits, labels).item() * n
            resolved += n
        total, resolved = processes.total(self.device, total, resolved)
        return total / max(resolved, 1.0)

    def _save_checkpoint(self) -> None:
        if not processes.is_main() or self.folder is None:
            return
        self._check_finite()
        state = {
            "identity": self.identity,
            "numbers": self.numbers,
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "epoch_loss": self.epoch_loss,
            "epoch_seconds": self.epoch_seconds,
            "history": [asdict(record) for record in self.history],
            "best": self.best,
        }
        save_tensors(state, self.folder / "checkpoint.pt")

    def _load_checkpoint(self) -> None:
        path = None if self.folder is None else self.folder / "checkpoint.pt"
        if path is None or not path.is_file():
            return
        try:
            state = load_tensors(path, self.device)
            differs = numeric_differences(state["numbers"], self.numbers)
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is damaged or no checkpoint ({error}); delete it to start anew") from None
        if state["identity"] != self.identity or differs:
            what = f"processor, torch or --threads ({differs})" if differs else "configuration, data or precision"
            raise ConfigError(f"{path} belongs to another {what}; delete it or use another --output")
        self.objective.load_state_dict(state["objective"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.epoch_loss, self.epoch_seconds = state["step"], state["epoch_loss"], state["epoch_seconds"]
        self.history = [EpochRecord(**record) for record in state["history"]]
        self.best = state["best"]
        logger.info("resuming from %s at step %d", path, self.step)


def _new_network(config: PretrainConfig, data: TrainingData) -> nn.Module:
    network = build_network(config.architecture, len(data.tfs), data.train.codes.shape[1], config.sizes)
    if config.output_bias == "prior":
        start_at_prior(network, data.train.labels)
    if config.first_layer == "jaspar":
        start_from_jaspar(network, data.tfs)
    return network


def _digest(network: nn.Module) -> str:
    """Return what tells one starting point from another."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
