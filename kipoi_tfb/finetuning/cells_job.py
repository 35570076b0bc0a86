"""An entry whose outputs are TFs in cell types, made from a base and a binding matrix, and compared with that base."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.evaluation.comparison import PREVALENCES, Comparison, compare
from kipoi_tfb.evaluation.job import Evaluation, check_held_out, evaluate
from kipoi_tfb.evaluation.metrics import MIN_BOUND, REPLICATES
from kipoi_tfb.evaluation.record import metrics_card, record
from kipoi_tfb.evaluation.regions import from_matrix
from kipoi_tfb.evaluation.scorers import EntryScorer, PooledScorer
from kipoi_tfb.finetuning.cell_heads import CELL_PENALTIES, CellLesson, fit_cell_heads, mean_auprc, mean_loss
from kipoi_tfb.finetuning.features import open_bank
from kipoi_tfb.finetuning.group import whole_regions
from kipoi_tfb.finetuning.job import alone_in
from kipoi_tfb.finetuning.verdict import VERDICTS
from kipoi_tfb.models.device import choose_device, describe
from kipoi_tfb.models.head import Head
from kipoi_tfb.zoo.card import Card, DataCard, TrainingCard, today
from kipoi_tfb.zoo.entry import Entry, locate_base, open_entry
from kipoi_tfb.zoo.find import find_entry
from kipoi_tfb.zoo.finetuned_card import ControlCard, FinetunedCard, GateCard, HeadCard
from kipoi_tfb.zoo.networks import outputs_of
from kipoi_tfb.zoo.write import CITATION, write_entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.names import cell_of, tf_of
from tfb_matrix_data.outputs import output_labels, pairs_profiled
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION, Split, split_by_chromosome

__all__ = ["MIN_BOUND_IN_CELL", "CellsMade", "finetune_cells"]

logger = logging.getLogger(__name__)

MIN_BOUND_IN_CELL = 200
"""Bound training regions that a TF needs in a cell type."""


@dataclass(frozen=True)
class CellsMade:
    """What came of it.

    Attributes
    ----------
    entry
        In the zoo's form, accepted or not.
    comparisons
        With the base's output of each TF, at both prevalences, over outputs; empty where all was done before.
    """

    entry: Entry
    comparisons: tuple[Comparison, ...]


def finetune_cells(
    base: str,
    matrix: BindingMatrix,
    genome: Genome,
    folder: str | Path,
    name: str,
    min_bound: int = MIN_BOUND_IN_CELL,
    seed: int = 0,
    device: str = "auto",
    command: str = "",
    replicates: int = REPLICATES,
) -> CellsMade:
    """Fit an output per TF and cell type over a base's layers, test it once, and write it as a zoo entry.

    Each is fitted to the regions that are open in its cell type, and tested on those of the test chromosomes, beside
    the base's output of the TF. Where the folder holds a finished entry of the same arguments, it is returned, and
    nothing is done; one that a run was stopped before it had tested is made again.

    Parameters
    ----------
    base
        Zoo entry with an output for the TFs, not fine-tuned itself.
    matrix, genome
        Labels and sequence.
    folder
        For the entry, ``entry``.
    name
        Of the entry.
    min_bound
        Bound training regions that a TF needs in a cell type.
    seed
        Of the fit and the test.
    device
        Where the base's layers run.
    command
        For the card.
    replicates
        Of the bootstrap; at least one.

    Raises
    ------
    ConfigError
        If there are no replicates, the base is fine-tuned or was made from chromosomes that test here, or no TF has
        enough bound regions in a cell type; if the folder holds an entry that was made from something else.
    LockedError
        If another process makes one there.
    """
    entry, folder = find_entry(base), Path(folder)
    if not replicates:
        raise ConfigError("a verdict needs bootstrap replicates")
    if entry.card.finetuned is not None:
        raise ConfigError(f"{entry.name} is fine-tuned itself, from {entry.card.base}; give that as the base")
    check_held_out([entry], TEST)
    locate_base((folder / "entry").absolute(), entry.card.name, entry.card.weights.sha256, name)
    split = split_by_chromosome(matrix.regions)
    region, codes = whole_regions(matrix, genome)
    outputs, n_bound = _outputs(entry.card, matrix, region[np.isin(region, split.train)], min_bound)
    logger.info("%d TFs in cell types have at least %d bound training regions", len(outputs), min_bound)
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        if there := _finished(folder / "entry", entry, matrix, name, outputs, seed):
            return CellsMade(there, ())
        bank = open_bank(entry, region, codes, choose_device(device))

        def lesson(index: NDArray[np.int64]) -> CellLesson:
            rows = np.flatnonzero(np.isin(region, index))
            return CellLesson(bank.features[rows], output_labels(matrix, outputs, region[rows]))

        train, validation = lesson(split.train), lesson(split.validation)
        own = outputs_of(entry)
        rows = [entry.card.tasks.index(tf_of(output)) for output in outputs]
        start = own.weight.numpy()[rows], own.bias.numpy()[rows]
        heads = fit_cell_heads(train, validation, *start, seed)
        logger.info("penalty %g, validation loss %.4f", heads.penalty, heads.losses[heads.penalty])
        network = entry.network()
        head = Head(heads.weight.shape[1], len(outputs))
        head.load_state_dict({"weight": torch.from_numpy(heads.weight), "bias": torch.from_numpy(heads.bias)})
        network.set_submodule("head", head)
        data = _data(entry, matrix, genome, outputs, len(train.labels), len(validation.labels))
        head_card = HeadCard(
            penalties=CELL_PENALTIES,
            penalty=heads.penalty,
            start_auprc=round(mean_auprc(validation, *start), 5),
            auprc=round(mean_auprc(validation, heads.weight, heads.bias), 5),
            start_loss=round(mean_loss(validation, *start), 5),
            loss=round(heads.losses[heads.penalty], 5),
            prevalence="natural",
        )
        fields = _fields(entry.card, name, outputs, data, head_card, n_bound, seed, command, device)
        made = write_entry(
            folder / "entry", network.eval(), fields, codes[np.isin(region, split.validation)][:512], entry
        )
        return _tested(made, entry, matrix, genome, split, outputs, seed, command, replicates)


def _finished(
    place: Path, base: Entry, matrix: BindingMatrix, name: str, outputs: list[str], seed: int
) -> Entry | None:
    """Return the entry of an earlier run; one that was stopped before its verdict goes."""
    if not place.exists():
        return None
    entry = open_entry(place)
    found, how = entry.card, entry.card.finetuned
    made = (found.name, found.tasks, found.data.matrix_sha256, how and (how.base_weights_sha256, how.seeds))
    if made != (name, tuple(outputs), sha256(matrix.path), (base.card.weights.sha256, (seed,))):
        raise ConfigError(
            f"{place} was made under another name, from another matrix, base or seed, or with another --min-bound than "
            "these; give the same as then, remove it, or use another --output"
        )
    if found.gate is None:
        shutil.rmtree(place)
        return None
    logger.info("%s was finished before; nothing to do", place)
    return entry


def _outputs(
    card: Card, matrix: BindingMatrix, region: NDArray[np.int64], min_bound: int
) -> tuple[list[str], dict[str, int]]:
    """Return the outputs that have enough to learn from, and {output: bound training regions}."""
    known = [tf for tf in card.tasks if tf in matrix.tfs]
    counts = dict.fromkeys(pairs_profiled(matrix, known), 0)
    for output in counts:
        counts[output] = int((output_labels(matrix, [output], region) == 1).sum())
    enough = [output for output, n in counts.items() if n >= min_bound]
    if not enough:
        raise ConfigError(
            f"no TF of {card.name} has {min_bound} bound training regions in one cell type of {matrix.path.name}; "
            "lower --min-bound"
        )
    return enough, {output: counts[output] for output in enough}


def _data(
    base: Entry, matrix: BindingMatrix, genome: Genome, outputs: list[str], n_train: int, n_validation: int
) -> DataCard:
    cells = tuple(sorted({cell_of(output) for output in outputs}, key=matrix.cell_types.index))
    return DataCard(
        source=f"TFs in cell types (sparse labels) of {matrix.attrs['source']}",
        matrix_sha256=sha256(matrix.path),
        assembly=str(matrix.attrs["assembly"]),
        genome=genome.path.name,
        train_chromosomes=base.card.data.train_chromosomes,
        validation_chromosomes=tuple(VALIDATION),
        test_chromosomes=tuple(TEST),
        excluded_chromosomes=tuple(ACCEPTANCE),
        n_train=n_train,
        n_validation=n_validation,
        cell_types=cells,
    )


def _fields(
    base: Card,
    name: str,
    outputs: list[str],
    data: DataCard,
    head: HeadCard,
    n_bound: dict[str, int],
    seed: int,
    command: str,
    device: str,
) -> dict:
    tfs, cells = {tf_of(output) for output in outputs}, {cell_of(output) for output in outputs}
    training = TrainingCard(
        command=command,
        config=None,
        best_epoch=0,
        validation_loss=head.loss,
        device=describe(choose_device(device), "fp32"),
        precision="fp32",
        torch=torch.__version__,
        date=today(),
    )
    return {
        "name": name,
        "summary": f"Binding of {len(tfs)} TFs in {len(cells)} cell types, {len(outputs)} outputs, where the region is "
        f"open; output layers over {base.name}.",
        "architecture": base.architecture,
        "sizes": base.sizes,
        "members": base.members,
        "window_length": base.window_length,
        "tasks": tuple(outputs),
        "base": base.name,
        "data": data,
        "training": training,
        "finetuned": FinetunedCard(
            arm="head",
            base_weights_sha256=base.weights.sha256,
            seeds=(seed,),
            validation_losses=(head.loss,),
            counts={"train": n_bound},
            head=head,
        ),
        "citation": (CITATION,),
    }


def _tested(
    made: Entry,
    base: Entry,
    matrix: BindingMatrix,
    genome: Genome,
    split: Split,
    outputs: list[str],
    seed: int,
    command: str,
    replicates: int,
) -> CellsMade:
    """Test an entry beside its base, and write what came of it onto its card."""
    pooled = PooledScorer(EntryScorer(str(base.folder)), outputs)
    own = EntryScorer(str(made.folder))
    data = from_matrix(matrix, genome, TEST, length=base.card.window_length, tfs=outputs, regions=split.test)
    tested = evaluate([own, pooled], data, seed, replicates)
    matched, natural = (compare(tested, own.name, pooled.name, metric) for metric in PREVALENCES)
    gate = _gate(tested, matched, natural, base.card.name)
    rows = tested.tables[own.name]
    card = metrics_card(
        made, rows, matrix, TEST, "sparse", seed, command, replicates,
        {gate.controls[0].name: matched.mean_second}, MIN_BOUND, made.card.training.date, made.card.data.cell_types,
    )  # fmt: skip
    record(made, rows, card, gate)
    return CellsMade(find_entry(str(made.folder)), (matched, natural))


def _gate(tested: Evaluation, matched: Comparison, natural: Comparison, base: str) -> GateCard:
    """Return the verdict, by the means over outputs at both prevalences, each with the interval of its difference."""
    name = f"{base} (of all cell types)"
    fields: dict[str, Any] = {}
    for each, end in ((matched, ""), (natural, "_natural")):
        assert each.low is not None and each.high is not None  # of replicates, of which there are some
        figures = {"auprc": each.mean_second, "difference": each.mean_difference, "low": each.low, "high": each.high}
        fields |= {f"{what}{end}": round(value, 4) for what, value in figures.items()}
        fields[f"outcome{end}"] = each.outcome
    control = ControlCard(kind="base", name=name, **fields)
    verdict = VERDICTS[control.both]
    words = (
        f"{verdict}: in open regions of {', '.join(tested.data.chromosomes)}, over {natural.n_tfs} TFs in cell types "
        f"with at least {MIN_BOUND} bound ones, mean AUPRC {matched.mean_first:.3f} at 1:1 and "
        f"{natural.mean_first:.3f} at natural prevalence; the output of the TF in all cell types, {name}, has "
        f"{matched.mean_second:.3f} and {natural.mean_second:.3f}. Better for {natural.better} of {natural.n_tfs} at "
        f"natural prevalence, beyond chance for {natural.wins}, and worse beyond chance for {natural.losses}."
    )
    return GateCard(verdict=verdict, words=words, controls=(control,))
