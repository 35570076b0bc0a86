"""The card of a zoo entry: one schema, checked on reading and on writing."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from kipoi_tfb.models.sizes import ENSEMBLE, MEMBERS, check_window
from kipoi_tfb.zoo.config import OutputNames, PretrainConfig, Sizes
from kipoi_tfb.zoo.fields import EntryName, Later, Line, Sha256, TableName, WeightsName
from kipoi_tfb.zoo.finetuned_card import FinetunedCard, GateCard
from kipoi_tfb.zoo.plain_yaml import plain_yaml
from kipoi_tfb.zoo.strict import Strict, explain
from tfb_matrix_data.bounded import check_file, read_at_most
from tfb_matrix_data.errors import ConfigError, EntryError, InputError
from tfb_matrix_data.files import atomic_path

__all__ = [
    "AUTHORS",
    "CARD_FILE",
    "Card",
    "DataCard",
    "MemberCard",
    "MetricsCard",
    "TrainingCard",
    "WeightsCard",
    "card_text",
    "read_card",
    "today",
    "write_card",
]

CARD_FILE = "card.yaml"
AUTHORS = ("the kipoi-tfb developers",)
"""Of an entry whose maker named nobody."""

_MOST_BYTES = 1 << 20


class WeightsCard(Strict):
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


class DataCard(Strict):
    """What a model was trained on; held-out chromosomes are those that validate, test or are excluded.

    Attributes
    ----------
    matrix_sha256, peaks_sha256, open_sha256
        Of the files that the labels are from: a binding matrix, or someone's peaks, with the open regions among which
        the unbound ones were drawn.
    accession
        Where they are from: an accession, a DOI.
    split
        ``paper``: not by chromosome, but 80/10/10 at random; what was tested lies beside what was trained on.
    cell_types
        Whose labels alone, if not of all.
    n_excluded
        Resolved regions that had no use since the base was made from them; None: there was no such rule.
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
    accession: Annotated[Line | None, Later] = None
    split: Annotated[Literal["paper"] | None, Later] = None
    cell_types: Annotated[tuple[Line, ...] | None, Later] = None
    n_excluded: Annotated[int | None, Later] = None


class TrainingCard(Strict):
    """How it was trained: the whole configuration, and what came of it.

    Attributes
    ----------
    config, validation_loss
        None where nothing was trained: an output layer was fitted, see `HeadCard`, or `Card.members` were averaged.
    teachers
        {name: sha256 of the weights} of the entries that it learnt from beside the labels.
    seconds
        It took; None of fine-tuned entries, which the same command makes again to the byte.
    """

    command: str
    config: PretrainConfig | None
    teachers: dict[str, Sha256] | None = None
    best_epoch: int
    validation_loss: float | None
    seconds: float | None = None
    device: str
    precision: str
    torch: str
    date: str


class MetricsCard(Strict):
    """Macro averages of the per-TF table (``metrics.tsv``) over the TFs with enough bound regions.

    Attributes
    ----------
    auprc, auroc
        AUPRC against unbound regions of the same GC content, 1:1; AUROC against all of them.
    auprc_natural
        AUPRC at natural prevalence, against all unbound regions; None on cards from before it was kept there (it is in
        their table).
    prevalence
        Mean share of bound regions among those tested.
    auprc_interval, auroc_interval, auprc_natural_interval
        95 % bootstrap intervals over TFs.
    ece
        Expected calibration error at natural prevalence.
    baselines
        {scorer: macro AUPRC} of what was tested on the same regions.
    cell_types
        Whose labels alone, if not of all.
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
    auprc_natural: float | None = None
    auprc_natural_interval: tuple[float, float] | None = None
    prevalence: float | None = None
    ece: float | None = None
    baselines: dict[str, float] | None = None
    seed: int
    matrix_sha256: Sha256 | None = None
    weights_sha256: Sha256
    date: str
    table: TableName = "metrics.tsv"
    cell_types: Annotated[tuple[Line, ...] | None, Later] = None


class MemberCard(Strict):
    """An entry whose network is part of an ensemble.

    Attributes
    ----------
    name, weights_sha256
        Of the entry.
    sizes
        Of its network, of architecture ``motif-cnn``.
    """

    name: EntryName
    weights_sha256: Sha256
    sizes: Sizes = Field(default_factory=dict)


class Card(Strict):
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
    members
        Of architecture ``ensemble``: whose mean it is. The file of weights holds them all.
    finetuned, gate
        How it was fine-tuned, and how it compares with what there was before.
    """

    schema_version: Literal[1] = 1
    name: EntryName
    summary: str
    architecture: str
    sizes: Sizes = Field(default_factory=dict)
    window_length: Annotated[int, AfterValidator(check_window)] = 200
    tasks: OutputNames
    base: EntryName | None = None
    members: Annotated[tuple[MemberCard, ...] | None, Field(min_length=MEMBERS[0], max_length=MEMBERS[1]), Later] = None
    weights: WeightsCard
    data: DataCard
    training: TrainingCard
    metrics: MetricsCard | None = None
    finetuned: FinetunedCard | None = None
    gate: GateCard | None = None
    licence: str = "MIT"
    authors: tuple[str, ...] = AUTHORS
    citation: tuple[str, ...]

    @property
    def split_at_random(self) -> bool:
        """Whether what validates and tests was drawn at random: beside what trained, on the same chromosomes."""
        config = self.training.config
        return self.data.split == "paper" or (config is not None and config.split == "paper")

    @model_validator(mode="after")
    def _has_its_parts(self) -> Card:
        if (self.architecture == ENSEMBLE) != (self.members is not None):
            raise ValueError("architecture ensemble goes with `members`, whose mean it is")
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
    with atomic_path(Path(folder) / CARD_FILE) as temporary:
        temporary.write_text(card_text(card))


def card_text(card: Card) -> str:
    """Return a card as it stands in its file."""
    fields = Card.model_validate(card.model_dump()).model_dump(mode="json")
    return yaml.safe_dump(fields, sort_keys=False, width=120, allow_unicode=True)


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
