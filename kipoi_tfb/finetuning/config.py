"""What a fine-tune is made from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationError

from kipoi_tfb.finetuning.arms import ARMS
from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.config import PretrainConfig, TfName
from kipoi_tfb.zoo.fields import EntryName, Line
from kipoi_tfb.zoo.strict import Strict, explain
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.modes import read_profiles
from tfb_matrix_data.names import file_part

__all__ = ["SWEEP", "FinetuneConfig", "SplitName", "make_config"]

SplitName = Literal["chromosomes", "paper"]

Told = Annotated[Line, Field(min_length=1, max_length=200)]

SWEEP = (0.3, 1.0, 3.0)
"""Multiples of the learning rate that a sweep tries."""


class FinetuneConfig(Strict):
    """A model of one TF, from a base to an optimiser.

    Attributes
    ----------
    tf
        Name of the TF: of a binding matrix, or one's own.
    name
        Of the zoo entry; default ``tf/`` and the TF as a part of a name (`tfb_matrix_data.names.file_part`).
    base
        Zoo entry to start from.
    arm
        What is transferred, one of `kipoi_tfb.finetuning.arms.ARMS`.
    head
        The output layer: ``copied`` from the base's nearest one where the arm takes over all below it; ``new``: it
        starts at random, its bias too, whatever the arm transfers (the paper). Not of arms that are fitted.
    learning_rate
        Default that of the arm.
    sweep
        Whether to train the first seed by several rates (`SWEEP`), and all seeds by that of the lowest validation loss.
    epochs, batch_size
        As in the paper; the epoch with the lowest validation loss is kept. Not of arm ``head``.
    patience
        Training stops after so many epochs without a lower validation loss; 0: it does not.
    seeds, seed
        How many networks are trained, and the first of their seeds; the one with the lowest validation loss is kept.
        `seed` also decides which regions are drawn, which are the same for all. Of arm ``head``: how many times unbound
        regions are drawn to fit the output layer to; the mean is kept.
    n_bound
        Bound regions to train with; default all.
    labels
        Of a binding matrix.
    cell_types
        Labels of these cell types of the matrix alone; default all.
    exclude_base
        Whether regions that the base was trained or validated on have no use, as in the paper.
    split
        ``chromosomes``, or ``paper``: 80/10/10 at random, each seed another split, all of which are reported; for
        reproducing the paper's figures, and no entry for a zoo. It needs `exclude_base`.
    licence
        Of the entry; someone's peaks may ask for another one than this project's.
    authors
        Who made the entry; default this project.
    source
        Where the data are from: an accession, a DOI.
    motif_tf
        TF of JASPAR whose profiles are this one's; default `tf` itself. For a name that JASPAR does not have, such as
        ``MAFK-HepG2``.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    tf: TfName
    name: EntryName | None = None
    base: str = "multi163"
    arm: str = "everything"
    head: Literal["copied", "new"] = "copied"
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    sweep: bool = False
    epochs: Annotated[int, Field(gt=0, le=100_000)] = 10
    batch_size: Annotated[int, Field(gt=1, le=1 << 20)] = 100
    patience: Annotated[int, Field(ge=0)] = 4
    seeds: Annotated[int, Field(gt=0, le=100)] = 5
    seed: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    n_bound: Annotated[int, Field(gt=0)] | None = None
    labels: Literal["sparse", "less_sparse"] = "sparse"
    cell_types: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    exclude_base: bool = False
    split: SplitName = "chromosomes"
    licence: Told = "MIT"
    authors: tuple[Told, ...] = ()
    source: Told | None = None
    motif_tf: TfName | None = None

    @property
    def profiles(self) -> tuple[str, ...]:
        """Identifiers of the TF's profiles in JASPAR 2020; none where it has none."""
        return read_profiles().get(self.motif_tf or self.tf, ())

    @property
    def entry_name(self) -> str:
        """Name of the zoo entry."""
        return self.name or f"tf/{file_part(self.tf)}"

    def rate(self, arm: str) -> float:
        """Return the learning rate of this arm, or of a control's, which has its own."""
        rate = (self.learning_rate if arm == self.arm else None) or ARMS[arm].learning_rate
        assert rate is not None, f"arm {arm} is not trained"
        return rate

    def recipe(self, base: Card, arm: str, seed: int, rate: float | None = None) -> PretrainConfig:
        """Return the configuration of training with one seed, of this arm or of a control's; `rate` if not its own.

        Source: Novakovsky et al. 2021, Methods, "individual models", doi:10.1186/s13059-021-02499-5.
        """
        return PretrainConfig(
            name=file_part(self.tf),
            summary=f"{self.tf} from {base.name}: {arm}",
            architecture=base.architecture,
            sizes=base.sizes,
            tfs=(self.tf,),
            labels=self.labels,
            strands="both",
            output_bias="default" if self.head == "new" else "prior",
            optimiser="adam",
            weight_decay=0,
            schedule="constant",
            learning_rate=rate or self.rate(arm),
            epochs=self.epochs,
            batch_size=self.batch_size,
            patience=self.patience or None,
            seed=seed,
        )


def make_config(**fields: object) -> FinetuneConfig:
    """Return a configuration of fields that a user gave.

    Raises
    ------
    ConfigError
        If one has a wrong value, or does not go with the arm; the message names it.
    UnknownNameError
        If there is no such arm, or JASPAR has no profile of `motif_tf`.
    """
    try:
        config = FinetuneConfig.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None
    if config.arm not in ARMS:
        raise UnknownNameError("arm", config.arm, ARMS)
    if config.motif_tf is not None and not config.profiles:
        raise UnknownNameError("TF with a JASPAR profile", config.motif_tf, read_profiles())
    fitted = f"arm {config.arm} is fitted, not trained"
    if ARMS[config.arm].learning_rate is None:
        if config.learning_rate is not None:
            raise ConfigError(f"{fitted}: it has no learning rate")
        if config.sweep:
            raise ConfigError(f"{fitted}: it has no learning rate to sweep; leave out --sweep, or take another arm")
        if config.head == "new":
            raise ConfigError(
                f"{fitted}: its output layer is held to the base's, and cannot start new; leave out --head new, or "
                "take another arm"
            )
    if config.split == "paper" and not config.exclude_base:
        raise ConfigError(
            "split paper tests all over the genome, also where the base was trained: it needs --exclude-base"
        )
    return config
