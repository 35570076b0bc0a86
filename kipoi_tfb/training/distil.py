"""Teachers: what trained models say of the training windows, for a network to learn from (distillation)."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.models.device import numeric_identity
from kipoi_tfb.models.logits import probability
from kipoi_tfb.models.run import heard, logits_of
from kipoi_tfb.output.progress import progress_bar, progress_within
from kipoi_tfb.training import processes
from kipoi_tfb.training.data import TrainingData
from kipoi_tfb.training.made_up import evidence, with_made_up
from kipoi_tfb.zoo.config import PretrainConfig, TeacherConfig
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.networks import load_network
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["find_teachers", "taught", "with_evidence"]

logger = logging.getLogger(__name__)

_WINDOWS = 4096
"""Windows between two steps of the progress bar."""


def find_teachers(teacher: TeacherConfig) -> list[Entry]:
    """Return the entries that teach."""
    return [find_entry(name) for name in teacher.entries]


def taught(
    config: PretrainConfig,
    data: TrainingData,
    teachers: list[Entry],
    folder: str | Path,
    device: torch.device,
    precision: str = "fp32",
) -> TrainingData:
    """Return training data with the teachers' probabilities, which are kept in `folder` for a run that is resumed.

    Made-up windows are behind the others, if the configuration asks for some.

    Parameters
    ----------
    config, data
        What is to be trained, and on what.
    teachers
        Their strand-averaged logits are averaged, then made probabilities.
    folder
        Where ``taught-DIGEST.npy`` goes, float16 (windows, TFs); the digest is that of the teachers' weights and the
        windows.
    device, precision
        See `kipoi_tfb.models.device`.

    Raises
    ------
    ConfigError
        If a teacher lacks a TF, takes windows of another length, or has trained on a chromosome that is held out.
    """
    held_out = _chromosomes_held_out(config)
    columns = []
    for entry in teachers:
        card = entry.card
        missing = [tf for tf in data.tfs if tf not in card.tasks]
        if missing:
            raise ConfigError(f"teacher {entry.name} has no {', '.join(missing[:5])}; leave them out of `tfs`")
        if card.window_length != data.train.codes.shape[1]:
            raise ConfigError(
                f"teacher {entry.name} takes windows of {card.window_length} bp, not of {data.train.codes.shape[1]}"
            )
        seen = sorted(held_out & set(card.data.train_chromosomes))
        if seen:
            raise ConfigError(f"teacher {entry.name} was trained on {', '.join(seen)}, held out here: its words leak")
        columns.append([card.tasks.index(tf) for tf in data.tfs])
    if config.teacher is not None and config.teacher.made_up:
        data = replace(data, train=with_made_up(data.train, config.teacher.made_up, config.seed))
    digest = hashlib.sha256(json.dumps([precision, numeric_identity(device)], sort_keys=True).encode())
    for entry in teachers:
        digest.update(entry.card.weights.sha256.encode())
    digest.update(np.ascontiguousarray(data.train.codes).data)
    path = Path(folder) / f"taught-{digest.hexdigest()[:16]}.npy"
    if processes.is_main() and not path.is_file():
        probabilities = _ask(teachers, columns, data.train.codes, device, precision)
        with atomic_path(path) as temporary, open(temporary, "wb") as stream:
            np.save(stream, probabilities)
    processes.wait()
    return replace(data, train=replace(data.train, taught=np.load(path, mmap_mode="c", allow_pickle=False)))


def with_evidence(config: PretrainConfig, data: TrainingData, matrix: BindingMatrix) -> TrainingData:
    """Return training data in which half of the teachers' word is what is known, if the configuration asks for it."""
    kind = config.teacher.evidence if config.teacher is not None else None
    if kind is None or data.train.taught is None:
        return data
    real = np.flatnonzero(data.train.region >= 0)
    word = np.array(data.train.taught)
    known = evidence(matrix, data.tfs, data.train.region[real], kind, config.cell_types)
    word[real] = np.where(np.isnan(known), word[real], (word[real] + known) / 2)
    return replace(data, train=replace(data.train, taught=word))


def _chromosomes_held_out(config: PretrainConfig) -> set[str]:
    if config.split == "paper":
        raise ConfigError("a teacher needs a split by chromosome: by `split: paper` it may have seen what validates")
    return {*config.split.validation, *config.split.test, *config.split.excluded}


def _ask(
    teachers: list[Entry], columns: list[list[int]], codes: NDArray[np.uint8], device: torch.device, precision: str
) -> NDArray[np.float16]:
    """Return the mean of the teachers as probabilities, float16 (windows, TFs)."""
    networks = [load_network(entry).to(device) for entry in teachers]
    answers = np.empty((len(codes), len(columns[0])), np.float16)
    with progress_bar("asking the teacher", len(codes)) as advance:
        for start in range(0, len(codes), _WINDOWS):
            part = codes[start : start + _WINDOWS]
            with progress_within(advance, len(part)) as share, heard(share, of=len(networks)):
                logits = [
                    logits_of([network], part, device, precision, keep=keep)
                    for network, keep in zip(networks, columns, strict=True)
                ]
            answers[start : start + len(part)] = probability(torch.from_numpy(np.mean(logits, axis=0))).numpy()
    return answers
