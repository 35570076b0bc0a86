"""Fine-tuning as in the paper: on several random splits of a TF's regions, each trained, tested and reported."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kipoi_tfb.evaluation.metrics import REPLICATES
from kipoi_tfb.finetuning.base_regions import base_regions
from kipoi_tfb.finetuning.config import FinetuneConfig
from kipoi_tfb.finetuning.data import load_finetune_data
from kipoi_tfb.finetuning.job import Finetuned, alone_in, finetune, finished
from kipoi_tfb.finetuning.verdict import refused_at_random
from kipoi_tfb.zoo.card import write_card
from kipoi_tfb.zoo.controls import CONTROLS, ControlKind
from kipoi_tfb.zoo.entry import Entry, open_entry
from kipoi_tfb.zoo.find import CANDIDATE, REFUSED, find_entry
from kipoi_tfb.zoo.finetuned_card import SplitCard, SplitsCard, SpreadCard
from kipoi_tfb.zoo.verify import SPLITS_FILE
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["finetune_splits"]


def finetune_splits(
    config: FinetuneConfig,
    matrix: BindingMatrix,
    genome: Genome,
    folder: str | Path,
    device: str = "auto",
    precision: str = "auto",
    command: str = "",
    replicates: int = REPLICATES,
    controls: Sequence[ControlKind] = CONTROLS,
) -> Finetuned:
    """Fine-tune a base on random splits of a TF's regions, one per seed; report each, their mean and their spread.

    Each split is what `kipoi_tfb.finetuning.job.finetune` makes of it with one seed, in a folder of its own,
    ``split-SEED``; what was stopped goes on there. The entry of the one with the lowest validation loss is then in
    ``refused``, with a table of all (``splits.tsv``): what is tested lies beside what was trained on, so that it is a
    model for no zoo, and its verdict says so.

    Parameters
    ----------
    config
        With ``split: paper`` and `exclude_base`; `seeds` is the number of splits.
    matrix, genome
        Labels and sequence.
    folder
        For all of it.
    device, precision, command, replicates, controls
        See `kipoi_tfb.finetuning.job.finetune`.

    Raises
    ------
    ConfigError
        If the configuration asks for no random split, a split has too few regions, or there is something else in
        `folder`.
    LockedError
        If another process is at work in `folder`.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, "individual models", doi:10.1186/s13059-021-02499-5.
    """
    folder = Path(folder)
    if config.split != "paper":
        raise ConfigError("the configuration asks for no random split; set `split: paper` and `exclude_base`")
    before = finished(folder)
    if before is not None and (before.card.finetuned is None or before.card.finetuned.splits is None):
        raise ConfigError(f"{before.folder} is of no random splits; remove it or use another --output")
    base = find_entry(config.base)
    exclude = base_regions(base, matrix)
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        found = []
        for seed in range(config.seed, config.seed + config.seeds):
            one = config.model_copy(update={"seed": seed, "seeds": 1})
            data = load_finetune_data(one, base, matrix, genome, exclude)
            place = folder / f"split-{seed}"
            done = finetune(one, data, place, device, precision, command, matrix, replicates, controls)
            found.append(done.entry)
        return _together(found, folder)


def _together(entries: Sequence[Entry], folder: Path) -> Finetuned:
    """Put the entry with the lowest validation loss, and what came of all, in its place."""
    each = tuple(_split_card(entry) for entry in entries)
    splits = SplitsCard(
        each=each,
        auprc=_spread([split.auprc for split in each]),
        auprc_natural=_spread([split.auprc_natural for split in each if split.auprc_natural is not None]),
        controls={
            kind: _spread([split.controls[kind] for split in each])
            for kind in CONTROLS
            if all(kind in split.controls for split in each)
        },
    )
    best = entries[int(np.argmin([split.validation_loss for split in each]))]
    assert best.card.finetuned is not None and best.card.gate is not None
    gate = refused_at_random(best.card.gate, _described(splits))
    tuned = best.card.finetuned.model_copy(update={"splits": splits})
    card = best.card.model_copy(update={"gate": gate, "finetuned": tuned})
    before = finished(folder)
    if before is not None and before.card == card:
        return Finetuned(before, gate, {})
    shutil.rmtree(folder / CANDIDATE, ignore_errors=True)  # of a run that was killed
    candidate = Path(shutil.copytree(best.folder, folder / CANDIDATE))
    write_card(card, candidate)
    _write_table(splits, candidate / SPLITS_FILE)
    shutil.rmtree(folder / REFUSED, ignore_errors=True)
    candidate.rename(folder / REFUSED)
    return Finetuned(open_entry(folder / REFUSED), gate, {})


def _described(splits: SplitsCard) -> str:
    """Return the means over splits, and their standard deviations, in words."""
    n = len(splits.each)
    said = f"on {n} random split{'s' * (n > 1)} its AUPRC is {_words(splits.auprc)} at 1:1"
    if splits.auprc_natural is not None:
        said += f" and {_words(splits.auprc_natural)} at natural prevalence"
    beside = ", ".join(f"{kind} {_words(spread)}" for kind, spread in splits.controls.items())
    return f"{said}; at 1:1 beside it: {beside}" if beside else said


def _split_card(entry: Entry) -> SplitCard:
    card = entry.card
    assert card.finetuned is not None and card.metrics is not None and card.gate is not None
    assert card.training.validation_loss is not None  # of ensembles alone, which no split makes
    counts = card.finetuned.counts
    return SplitCard(
        seed=card.finetuned.seeds[0],
        n_train=counts["train"]["bound"],
        n_test=counts["test"]["bound"],
        validation_loss=card.training.validation_loss,
        auprc=card.metrics.auprc,
        auprc_natural=card.metrics.auprc_natural,
        controls={control.kind: control.auprc for control in card.gate.controls},
    )


def _spread(values: Sequence[float]) -> SpreadCard:
    sd = None if len(values) < 2 else round(float(np.std(values, ddof=1)), 4)
    return SpreadCard(mean=round(float(np.mean(values)), 4), sd=sd)


def _words(spread: SpreadCard) -> str:
    return f"{spread.mean:.3f}" + ("" if spread.sd is None else f" (standard deviation {spread.sd:.3f})")


def _write_table(splits: SplitsCard, path: Path) -> None:
    """Write a row per split, then their mean and standard deviation."""
    kinds = list(splits.controls)
    rows: list[list[object]] = [
        ["split", "bound_train", "bound_test", "validation_loss", "auprc", "auprc_natural", *kinds]
    ]
    for split in splits.each:
        areas = [split.auprc, split.auprc_natural, *(split.controls[kind] for kind in kinds)]
        rows.append([split.seed, split.n_train, split.n_test, split.validation_loss, *areas])
    spreads = [splits.auprc, splits.auprc_natural, *splits.controls.values()]
    for name in ("mean", "sd"):
        rows.append([name, "", "", "", *(None if each is None else getattr(each, name) for each in spreads)])
    with atomic_path(path) as temporary:
        lines = ("\t".join("" if value is None else str(value) for value in row) + "\n" for row in rows)
        temporary.write_text("".join(lines))
