"""From a configuration to a zoo entry: data, training, card."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from kipoi_tfb.models.device import choose_device, choose_precision, describe
from kipoi_tfb.training import processes
from kipoi_tfb.training.data import TrainingData, load_training_data
from kipoi_tfb.training.distil import find_teachers, taught, with_evidence
from kipoi_tfb.training.trainer import TrainingResult, train
from kipoi_tfb.zoo.card import DataCard, TrainingCard, today
from kipoi_tfb.zoo.config import PretrainConfig, read_config
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.write import CITATION, write_entry
from tfb_matrix_data.errors import EntryError
from tfb_matrix_data.files import locked, sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["pretrain", "pretrain_from_files"]

logger = logging.getLogger(__name__)


def pretrain(
    config: PretrainConfig,
    matrix: BindingMatrix,
    genome: Genome,
    folder: str | Path,
    device: str = "auto",
    precision: str = "auto",
    command: str = "",
) -> Entry:
    """Train a model and write it as a zoo entry, ``folder/entry``; an interrupted run in `folder` is resumed.

    The entry of a finished run of the same configuration, matrix, genome and teachers is returned as it is.

    Parameters
    ----------
    config
        What to train.
    matrix, genome
        Labels and sequence.
    folder
        Checkpoints, learning curve and the entry go here.
    device, precision
        See `kipoi_tfb.models.device`.
    command
        The command line, for the card.

    Raises
    ------
    EntryError
        If `folder` holds a finished entry that was made from something else.
    ConfigError
        If ``SOURCE_DATE_EPOCH`` is not a number.
    LockedError
        If another process is at work in `folder`.
    """
    folder = Path(folder)
    today()  # a date that is none is refused now, and not when all is trained
    if (there := _finished(config, matrix, genome, folder)) is not None:
        return there
    folder.mkdir(parents=True, exist_ok=True)
    chosen = choose_device(device)
    processes.join_torchrun(chosen)
    chosen = processes.own_device(chosen)
    chosen_precision = choose_precision(precision, chosen)
    where = describe(chosen, chosen_precision)
    if processes.world_size() > 1:
        where = f"{processes.world_size()} processes, each {where}"
    logger.info("device: %s", where)
    held = f"another tfb pretrain is writing to {folder}; wait for it, or use another --output"
    # One lock for all processes of a run.
    alone = locked(folder / ".lock", wait=False, held=held) if processes.is_main() else nullcontext()
    with alone:
        if processes.world_size() == 1 and (there := _finished(config, matrix, genome, folder)) is not None:
            return there  # by a process that was here just now
        return _pretrain(config, matrix, genome, folder, chosen, chosen_precision, where, command)


def _pretrain(
    config: PretrainConfig,
    matrix: BindingMatrix,
    genome: Genome,
    folder: Path,
    chosen: torch.device,
    chosen_precision: str,
    where: str,
    command: str,
) -> Entry:
    teachers = find_teachers(config.teacher) if config.teacher is not None else []
    data = load_training_data(config, matrix, genome)
    data_card = _data_card(data, matrix, genome)
    if teachers:
        data = with_evidence(config, taught(config, data, teachers, folder, chosen, chosen_precision), matrix)
    result = train(config, data, folder, chosen, chosen_precision)
    fields = {
        "name": config.name,
        "summary": config.summary,
        "architecture": config.architecture,
        "sizes": config.sizes,
        "window_length": int(data.train.codes.shape[1]),
        "tasks": tuple(data.tfs),
        "data": data_card,
        "training": _training_card(config, result, teachers, command, where, chosen_precision),
        "citation": (CITATION,),
    }
    if processes.is_main():
        write_entry(folder / "entry", result.network, fields, data.validation.codes)
    processes.wait()
    return open_entry(folder / "entry")


def _finished(config: PretrainConfig, matrix: BindingMatrix, genome: Genome, folder: Path) -> Entry | None:
    """Return the entry that an earlier run left, if it is what is asked for; None if there is none.

    Raises
    ------
    EntryError
        If it was made from something else.
    """
    if not (folder / "entry").exists():
        return None
    entry = open_entry(folder / "entry")
    how, data = entry.card.training, entry.card.data
    teachers = find_teachers(config.teacher) if config.teacher is not None else []
    same = {
        "configuration": how.config == config,
        "matrix": data.matrix_sha256 == sha256(matrix.path),
        "genome": data.genome == genome.path.name,
        "teachers": (how.teachers or {}) == _weights(teachers),
    }
    if not all(same.values()):
        other = ", ".join(what for what, is_same in same.items() if not is_same)
        raise EntryError(
            f"{entry.folder} exists already, and was made from another {other}; remove it or use another --output"
        )
    return entry


def _weights(teachers: list[Entry]) -> dict[str, str]:
    return {entry.card.name: entry.card.weights.sha256 for entry in teachers}


def pretrain_from_files(
    config: str | Path,
    matrix: str | Path,
    genome: str | Path,
    folder: str | Path,
    device: str = "auto",
    precision: str = "auto",
    command: str = "",
) -> Entry:
    """Do as `pretrain`, given the paths of a configuration, a matrix and a genome."""
    recipe = read_config(config)
    with BindingMatrix(matrix) as opened:
        return pretrain(recipe, opened, Genome(genome), folder, device, precision, command)


def _data_card(data: TrainingData, matrix: BindingMatrix, genome: Genome) -> DataCard:
    regions = matrix.regions

    def chromosomes(index: np.ndarray) -> tuple[str, ...]:
        return tuple(regions.chrom_names[i] for i in np.unique(regions.chrom[index]))

    used = (data.train.region, data.validation.region, data.test_regions)
    train_chroms, validation_chroms, test_chroms = (chromosomes(index) for index in used)
    return DataCard(
        source=str(matrix.attrs["source"]),
        matrix_sha256=sha256(matrix.path),
        assembly=str(matrix.attrs["assembly"]),
        genome=genome.path.name,
        train_chromosomes=train_chroms,
        validation_chromosomes=validation_chroms,
        test_chromosomes=test_chroms,
        excluded_chromosomes=data.excluded_chromosomes,
        n_train=len(data.train),
        n_validation=len(data.validation),
    )


def _training_card(
    config: PretrainConfig, result: TrainingResult, teachers: list[Entry], command: str, device: str, precision: str
) -> TrainingCard:
    return TrainingCard(
        command=command,
        config=config,
        teachers=_weights(teachers) or None,
        best_epoch=result.best_epoch,
        validation_loss=round(min(record.validation_loss for record in result.history), 5),
        seconds=round(sum(record.seconds for record in result.history), 1),
        device=device,
        precision=precision,
        torch=torch.__version__,
        date=today(),
    )
