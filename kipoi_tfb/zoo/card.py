"""The card of a zoo entry: one schema, checked on reading and on writing."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from kipoi_tfb.models.sizes import check_window
from kipoi_tfb.zoo.config import PretrainConfig, Sizes, TfNames, explain
from kipoi_tfb.zoo.plain_yaml import plain_yaml
from tfb_matrix_data.bounded import check_file, read_at_most
from tfb_matrix_data.errors import ConfigError, EntryError, InputError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.names import ENTRY

__all__ = [
    "CARD_FILE",
    "CONTROLS",
    "CURVE_FILE",
    "MOTIF_FILE",
    "Card",
    "ChangedMotifCard",
    "ControlCard",
    "ControlKind",
    "DataCard",
    "FinetunedCard",
    "GateCard",
    "HeadCard",
    "MetricsCard",
    "SweptCard",
    "TrainingCard",
    "WeightsCard",
    "read_card",
    "today",
    "write_card",
]

CARD_FILE = "card.yaml"
CURVE_FILE, MOTIF_FILE = "learning-curve.svg", "changed-motif.svg"
"""Pictures of an entry that was trained from a base (`kipoi_tfb.finetuning.plot`)."""

_MOST_BYTES = 1 << 20

# A bare file name: nothing that a card says can lead out of its folder, or out of the zoo.
WeightsName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.pt$", max_length=100)]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.tsv$", max_length=100)]
EntryName = Annotated[str, Field(pattern=f"^{ENTRY.pattern.pattern}$", max_length=ENTRY.longest)]
# Text that goes into Kipoi's YAML, which names code to run: on one line it can add nothing to that.
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f\x85\u2028\u2029]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WeightsCard(_Strict):
    """The file of weights: a bare state_dict of CPU tensors.

    Attributes
    ----------
    dtype
        Type of the large tensors.
    largest_shift
        By how much storing them so moved any predicted probability, at most, over the windows of validation.
    """

    file: WeightsName
    sha256: Sha256
    dtype: Literal["float16", "float32"]
    largest_shift: Annotated[float, Field(ge=0)] | None = None


class DataCard(_Strict):
    """What a model was trained on; held-out chromosomes are those that validate, test or are excluded.

    Attributes
    ----------
    matrix_sha256, peaks_sha256, open_sha256
        Of the files that the labels are from: a binding matrix, or someone's peaks, with the open regions among which
        the unbound ones were drawn.
    """

    source: str
    matrix_sha256: Sha256 | None = None
    peaks_sha256: Sha256 | None = None
    open_sha256: Sha256 | None = None
    assembly: Line
    genome: str
    train_chromosomes: tuple[Line, ...]
    validation_chromosomes: tuple[Line, ...]
    test_chromosomes: tuple[Line, ...]
    excluded_chromosomes: tuple[Line, ...]
    n_train: int
    n_validation: int


class TrainingCard(_Strict):
    """How it was trained: the whole configuration, and what came of it.

    Attributes
    ----------
    config
        None where nothing was trained but an output layer fitted: see `HeadCard`.
    teachers
        {name: sha256 of the weights} of the entries that it learnt from beside the labels.
    seconds
        It took; None of fine-tuned entries, which the same command makes again to the byte.
    """

    command: str
    config: PretrainConfig | None
    teachers: dict[str, Sha256] | None = None
    best_epoch: int
    validation_loss: float
    seconds: float | None = None
    device: str
    precision: str
    torch: str
    date: str


class MetricsCard(_Strict):
    """Macro averages of the per-TF table (``metrics.tsv``) over the TFs with enough bound regions.

    Attributes
    ----------
    auprc_interval, auroc_interval
        95 % bootstrap intervals over TFs.
    ece
        Expected calibration error at natural prevalence.
    baselines
        {scorer: macro AUPRC} of what was tested on the same regions.
    """

    command: str
    chromosomes: tuple[str, ...]
    labels: Literal["sparse", "less_sparse", "peaks"]
    min_bound: int
    n_tfs: int
    auprc: float
    auroc: float
    auprc_interval: tuple[float, float] | None = None
    auroc_interval: tuple[float, float] | None = None
    ece: float | None = None
    baselines: dict[str, float] | None = None
    seed: int
    matrix_sha256: Sha256 | None = None
    weights_sha256: Sha256
    date: str
    table: TableName = "metrics.tsv"


ControlKind = Literal["base", "jaspar", "denovo", "scratch"]
CONTROLS: tuple[ControlKind, ...] = ("base", "jaspar", "denovo", "scratch")
"""What a fine-tuned entry is compared with: the base's own output, JASPAR's motif, one found in the training regions,
and the same architecture trained from scratch."""


class ControlCard(_Strict):
    """What a fine-tuned entry was compared with, on the same test regions.

    Attributes
    ----------
    kind
        One of `CONTROLS`.
    auprc
        Of the control.
    difference, low, high
        AUPRC of the entry minus that of the control, and the ends of its paired 95 % bootstrap interval.
    outcome
        For the entry; a ``tie`` is an interval that includes 0.
    """

    kind: ControlKind
    name: str
    auprc: float
    difference: float
    low: float
    high: float
    outcome: Literal["win", "tie", "loss"]


class GateCard(_Strict):
    """Whether a fine-tuned entry is worth having, in a word and in words.

    Attributes
    ----------
    not_run
        {control: why it is not among `controls`}.
    """

    verdict: Literal["accepted", "accepted with note", "refused"]
    words: str
    controls: tuple[ControlCard, ...]
    not_run: dict[ControlKind, str] = {}


class HeadCard(_Strict):
    """How an output layer was fitted under frozen layers (`kipoi_tfb.finetuning.head`).

    Attributes
    ----------
    penalties
        What was tried per seed: how strongly the weights are held to those of the start.
    penalty
        The one kept, by validation; None: the start itself was best, and is kept as it was.
    start_auprc, auprc, start_loss, loss
        Of the start, and of what was kept, on the validation regions (all of them, weighted to 1:1 by GC content).
    motifs
        {motif: what each standard deviation of its best match adds to the logit}, of arm ``motif-head``.
    base_share
        Of arm ``motif-head``: what the base's output was multiplied with where motifs had a share in the start; None:
        it alone was the start.
    """

    penalties: tuple[float, ...]
    penalty: float | None
    start_auprc: float
    auprc: float
    start_loss: float
    loss: float
    motifs: dict[str, float] | None = None
    base_share: float | None = None


class ChangedMotifCard(_Strict):
    """Which filter of the first layer fine-tuning changed most (``changed-motif.svg``).

    Attributes
    ----------
    filter
        Its number, from 0.
    change, median
        Of its weights relative to what they were, and over all filters; see
        `kipoi_tfb.models.first_layer.ChangedMotif`.
    """

    filter: int
    change: float
    median: float


class SweptCard(_Strict):
    """A learning rate that was tried with the first seed, and the lowest validation loss by it; None: it diverged."""

    learning_rate: float
    validation_loss: float | None


class FinetunedCard(_Strict):
    """How an entry came from its base.

    Attributes
    ----------
    arm
        What was transferred, see `kipoi_tfb.finetuning.start.ARMS`.
    base_weights_sha256
        Of the base's file of weights, on which this entry's own ones are laid.
    head_from
        The base's output that the new one started from, if it did.
    seeds, validation_losses
        What was trained with, and the lowest validation loss of each; the entry is the best of them.
    sweep
        The learning rates that were tried first, where they were; the best, on the training's configuration, is that of
        all seeds.
    counts
        {train, validation or test: {bound, unbound, short}}: regions, and unbound ones that GC bins had too few of.
    head
        Of the arm ``head``: how the output layer was fitted.
    changed_motif
        Of arms in which the base's first layer learns.
    """

    arm: Line
    base_weights_sha256: Sha256
    head_from: str | None = None
    seeds: tuple[int, ...]
    validation_losses: tuple[float, ...]
    sweep: tuple[SweptCard, ...] | None = None
    counts: dict[str, dict[str, int]]
    head: HeadCard | None = None
    changed_motif: ChangedMotifCard | None = None


class Card(_Strict):
    """All that a zoo entry says of itself.

    Attributes
    ----------
    sizes
        Sizes of the network other than the architecture's own.
    tasks
        TFs, in the order of the network's outputs.
    base
        Name of the entry that this one was fine-tuned from, if it was. With `finetuned`, the file of weights holds
        only what differs from the base's.
    finetuned, gate
        How it was fine-tuned, and how it compares with what there was before.
    """

    schema_version: Literal[1] = 1
    name: EntryName
    summary: str
    architecture: str
    sizes: Sizes = {}
    window_length: Annotated[int, AfterValidator(check_window)] = 200
    tasks: TfNames
    base: EntryName | None = None
    weights: WeightsCard
    data: DataCard
    training: TrainingCard
    metrics: MetricsCard | None = None
    finetuned: FinetunedCard | None = None
    gate: GateCard | None = None
    licence: str = "MIT"
    authors: tuple[str, ...] = ("the kipoi-tfb developers",)
    citation: tuple[str, ...]

    @model_validator(mode="after")
    def _has_its_base(self) -> Card:
        if self.finetuned is not None and self.base is None:
            raise ValueError("finetuned needs `base`, the name of the entry that the weights are laid on")
        return self


def read_card(folder: str | Path) -> Card:
    """Read and validate the card of an entry's folder.

    Raises
    ------
    EntryError
        If there is no card, it is not YAML, or a field is missing or wrong; the message names it.
    """
    path = Path(folder) / CARD_FILE
    try:
        return Card.model_validate(plain_yaml(read_at_most(check_file(path), _MOST_BYTES).decode()))
    except (FileNotFoundError, NotADirectoryError):
        raise EntryError(f"{folder}: is not a zoo entry (it has no {CARD_FILE})") from None
    except InputError as error:
        raise EntryError(str(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise EntryError(f"{path}: is not YAML: {error}") from None
    except ValidationError as error:
        raise EntryError(f"{path}: {explain(error)}") from None


def write_card(card: Card, folder: str | Path) -> None:
    """Write the card into an entry's folder, under a temporary name until it is whole."""
    fields = Card.model_validate(card.model_dump()).model_dump(mode="json")
    with atomic_path(Path(folder) / CARD_FILE) as temporary:
        temporary.write_text(yaml.safe_dump(fields, sort_keys=False, width=120, allow_unicode=True))


def today() -> str:
    """Return the date for a card: today's, or that of ``SOURCE_DATE_EPOCH`` (seconds since 1970, UTC) where it is set.

    Source: https://reproducible-builds.org/specs/source-date-epoch/.

    Raises
    ------
    ConfigError
        If ``SOURCE_DATE_EPOCH`` is not such a number.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.date.today().isoformat()
    try:
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        raise ConfigError(
            f"SOURCE_DATE_EPOCH is {epoch!r}; set it to a whole number of seconds since 1970, or unset it"
        ) from None
