"""From a base and the regions of one TF to a zoo entry that has been compared with what there was before."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.evaluation.job import check_held_out, evaluate
from kipoi_tfb.evaluation.metrics import REPLICATES, TfMetrics, write_metrics
from kipoi_tfb.evaluation.record import metrics_card, record
from kipoi_tfb.finetuning.arms import ARMS
from kipoi_tfb.finetuning.config import FinetuneConfig
from kipoi_tfb.finetuning.controls import lacking, make_controls
from kipoi_tfb.finetuning.data import FinetuneData
from kipoi_tfb.finetuning.features import FeatureBank
from kipoi_tfb.finetuning.fields import entry_fields, output_card
from kipoi_tfb.finetuning.learn import fit_output, train_seeds
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.finetuning.pictures import draw_tested
from kipoi_tfb.finetuning.plot import plot_changed_motif, plot_learning_curve
from kipoi_tfb.finetuning.verdict import judge, refused_at_random
from kipoi_tfb.finetuning.work import Trained, Work
from kipoi_tfb.models.device import choose_device, choose_precision, describe
from kipoi_tfb.models.first_layer import ChangedMotif, first_filters, most_changed
from kipoi_tfb.zoo.card import AUTHORS, today
from kipoi_tfb.zoo.controls import CONTROLS, ControlKind
from kipoi_tfb.zoo.entry import Entry, locate_base, open_entry
from kipoi_tfb.zoo.find import ACCEPTED, CANDIDATE, REFUSED, find_entry
from kipoi_tfb.zoo.finetuned_card import CURVE_FILE, MOTIF_FILE, GateCard
from kipoi_tfb.zoo.verify import CONTROLS_FILE
from kipoi_tfb.zoo.write import write_entry
from tfb_matrix_data.errors import ConfigError, EntryError, UnknownNameError
from tfb_matrix_data.files import locked
from tfb_matrix_data.matrix import BindingMatrix, Kind

__all__ = ["Finetuned", "alone_in", "finetune", "finished"]

logger = logging.getLogger(__name__)

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
        {scorer: its row}: the entry and the controls that were run now, on the test regions; empty where all was done
        before.
    """

    entry: Entry
    gate: GateCard
    tables: dict[str, TfMetrics]


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
    controls, these are run, and the verdict is given anew; the entry itself stays as it is. Where it lacks none, it is
    returned, and nothing is done. The same arguments, on
    one machine and with as many threads, give an entry of the same bytes; its date is that of
    `kipoi_tfb.zoo.card.today`.

    Parameters
    ----------
    config
        What to start from, and how to train.
    data
        Regions.
    folder
        For checkpoints and the entry: ``entry``, or ``refused``; ``controls.tsv`` is in both.
    device, precision
        See `kipoi_tfb.models.device`.
    command
        The command line, for the card.
    matrix
        Where the labels are from, if they are.
    replicates
        Of the bootstrap.
    controls
        Which of `kipoi_tfb.zoo.controls.CONTROLS` are run; at least one.
    bank
        The base's features of all regions, if they are there already.

    Raises
    ------
    EntryError
        If the base is not there, or `folder` holds an entry without a verdict.
    ConfigError
        If the base was trained on the test chromosomes, or the finished entry there was made from something else.
    LockedError
        If another process is at work in `folder`.
    """
    folder, date = Path(folder), today()
    for control in controls:
        if control not in CONTROLS:
            raise UnknownNameError("control", control, CONTROLS)
    base = find_entry(config.base)
    if base.card.finetuned is not None:
        raise ConfigError(f"{base.name} is fine-tuned itself, from {base.card.base}; give that as the base")
    _check_unseen(base, data)
    # Where the entry will look for it: worth knowing before the training.
    locate_base((folder / ACCEPTED).absolute(), base.card.name, base.card.weights.sha256, config.entry_name)
    if there := _finished(folder, config, data, base, controls):
        return there
    folder.mkdir(parents=True, exist_ok=True)
    chosen = choose_device(device)
    chosen_precision = choose_precision(precision, chosen)
    with alone_in(folder):
        work = Work(config, base, data, folder, chosen, chosen_precision, command, date, matrix, replicates, bank)
        shutil.rmtree(folder / CANDIDATE, ignore_errors=True)  # of a run that was killed
        _put_back(folder)
        if there := _finished(folder, config, data, base, controls):  # by a process that was here just now
            return there
        before = finished(folder)
        try:
            return _finetune(work, controls) if before is None else _compare_further(work, before, controls)
        finally:
            shutil.rmtree(folder / CANDIDATE, ignore_errors=True)


def _finished(
    folder: Path, config: FinetuneConfig, data: FinetuneData, base: Entry, controls: Sequence[ControlKind]
) -> Finetuned | None:
    """Return what an earlier run left that lacks none of the controls, if it is what is asked for; None: nothing.

    Raises
    ------
    ConfigError
        If it was made from something else.
    """
    entry = finished(folder)
    if entry is None or lacking(entry, controls):
        return None
    _check_same(entry, config, data, base)
    if entry.card.gate is None:
        raise EntryError(f"{entry.folder} exists already, and has no verdict; remove it or use another --output")
    return Finetuned(entry, entry.card.gate, {})


def _check_unseen(base: Entry, data: FinetuneData) -> None:
    """Refuse to test where the base was trained: by chromosome, or of a random split by region."""
    if data.card.split is None:
        check_held_out([base], data.test.chromosomes)
    elif data.card.n_excluded is None:
        raise ConfigError(
            "split paper tests all over the genome, also where the base was trained: give the regions that it was made "
            "from as `exclude`, or `--exclude-base`"
        )


def _check_same(entry: Entry, config: FinetuneConfig, data: FinetuneData, base: Entry) -> None:
    """Check that an entry was made from what is asked for now."""
    card, how = entry.card, entry.card.finetuned
    told = (card.licence, card.authors, card.data.accession)
    if told != (config.licence, config.authors or AUTHORS, config.source):
        raise ConfigError(
            f"{entry.folder} says another licence, other authors or another source; give the same as then, or remove it"
        )
    made = (
        card.name,
        card.data.model_copy(update={"accession": None}),
        how and (how.arm, how.output, how.base_weights_sha256, how.seeds, how.motif_tf),
    )
    seeds = tuple(range(config.seed, config.seed + config.seeds))
    if made != (
        config.entry_name,
        data.card,
        (config.arm, output_card(config), base.card.weights.sha256, seeds, config.motif_tf),
    ):
        raise ConfigError(
            f"{entry.folder} was made under another name, from other regions, seeds or base, or by another arm than "
            "these; give the same as then, remove it, or use another --output"
        )


def _finetune(work: Work, controls: Sequence[ControlKind]) -> Finetuned:
    config, base, data = work.config, work.base, work.data
    alone = ARMS[config.arm].learning_rate is None
    precision = "fp32" if alone else work.precision
    where = describe(work.device, precision)
    logger.info("device: %s", where)
    nearest = work.nearest()
    own = fit_output(work, nearest) if alone else train_seeds(work, config.arm, nearest)
    changed = _changed_motif(work, own)
    if own.head is None or own.head.prevalence is None:
        _to_natural_share(own.network, data.every["train"].labels)
    fields = entry_fields(work, own, changed, where, precision)
    windows = data.training.validation.codes
    # An output layer is stored as it is: a few windows are enough to see that.
    windows = windows[:_GOLDEN_WINDOWS] if own.head else windows
    candidate = write_entry(work.folder / CANDIDATE, own.network, fields, windows, base)
    if own.histories:
        title = f"{config.entry_name} from {base.card.name}: {config.arm}"
        plot_learning_curve(own.histories, own.seed, candidate.folder / CURVE_FILE, title)
    if changed:
        title = f"{config.entry_name}: filter {changed.filter} of the first layer, changed by {changed.change:.1%}"
        plot_changed_motif(changed, candidate.folder / MOTIF_FILE, title)
    return _judged(work, candidate, nearest, controls)


def _changed_motif(work: Work, own: Trained) -> ChangedMotif | None:
    """Return the motif of the base that changed most, where the arm lets motifs change."""
    if not ARMS[work.config.arm].tunes_first:
        return None
    architecture = work.base.card.architecture
    states = (work.base.network().state_dict(), own.network.state_dict())
    return most_changed(*(first_filters(architecture, state) for state in states))


def _to_natural_share(network: nn.Module, labels: NDArray[np.int8]) -> None:
    """Lower the output from 1:1, where it was learnt, to the share of bound regions among all that are resolved.

    That is what the probabilities of the other models refer to (docs/conventions.md); no ranking changes.
    """
    bound, unbound = int((labels == 1).sum()), int((labels == 0).sum())
    with torch.no_grad():
        network.get_parameter("head.bias").add_(float(np.log(bound / unbound)))


def _compare_further(work: Work, before: Entry, controls: Sequence[ControlKind]) -> Finetuned:
    """Run controls that were left out before, with a copy of the entry, which takes its place when it is whole."""
    _check_same(before, work.config, work.data, work.base)
    candidate = open_entry(shutil.copytree(before.folder, work.folder / CANDIDATE))
    return _judged(work, candidate, work.nearest(), lacking(before, controls), before)


def _judged(
    work: Work, candidate: Entry, nearest: Nearest, controls: Sequence[ControlKind], before: Entry | None = None
) -> Finetuned:
    """Test the candidate beside its controls, give it its verdict and its place."""
    config, data = work.config, work.data
    tested = make_controls(work, candidate, nearest, controls)
    names = {scorer.name: kind for kind, scorer in tested.controls.items()}
    trained = {config.entry_name: {config.tf: data.counts["train"]["bound"]}}
    result = evaluate([tested.own, *tested.controls.values()], data.test, config.seed, work.replicates, trained)
    earlier = before.card.gate if before else None
    gate = judge(result, config.entry_name, names, earlier, tested.not_run)
    gate = gate if data.card.split is None else refused_at_random(gate)
    kind: Kind | Literal["peaks"] = "peaks" if data.card.peaks_sha256 else config.labels
    areas = {control.name: control.auprc for control in gate.controls}
    matrix = work.matrix if kind != "peaks" else None
    rows = result.tables[config.entry_name]
    metrics = metrics_card(
        candidate, rows, matrix, data.test.chromosomes, kind, config.seed, work.command, work.replicates, areas,
        min_bound=1, date=work.date, cell_types=data.card.cell_types,
    )  # fmt: skip
    record(candidate, rows, metrics, gate)
    if work.bank is None:  # a group of entries is to be quick to make, and small
        draw_tested(candidate, data.test, str(work.device))
    earlier_lines = (before.folder / CONTROLS_FILE).read_text().splitlines()[1:] if before else []
    write_metrics(result.tables, candidate.folder / CONTROLS_FILE)
    with open(candidate.folder / CONTROLS_FILE, "a") as stream:
        stream.writelines(f"{line}\n" for line in earlier_lines if line.split("\t")[0] not in result.tables)
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


def alone_in(folder: Path) -> AbstractContextManager[None]:
    """Keep other processes from writing the same entry; the lock goes with the process, however it ends.

    Raises
    ------
    LockedError
        If one is at it.
    """
    held = f"another tfb finetune is writing to {folder}; wait for it, or use another --output"
    return locked(folder / ".lock", wait=False, held=held)
