"""Training configurations: one YAML file says all that a model is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from kipoi_tfb.models.sizes import MOST_TFS, check_sizes
from kipoi_tfb.zoo.plain_yaml import plain_yaml
from kipoi_tfb.zoo.strict import Strict, explain
from tfb_matrix_data.bounded import read_at_most
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.names import CELL_TYPE, OUTPUT, PART, TF
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION

__all__ = [
    "MostResolved",
    "OutputNames",
    "PretrainConfig",
    "Related",
    "Sizes",
    "TeacherConfig",
    "TfName",
    "TfNames",
    "read_config",
]

_MOST_BYTES = 1 << 20


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} named twice")
    return names


TfName = Annotated[str, AfterValidator(TF.check)]
OutputNames = Annotated[
    tuple[Annotated[str, AfterValidator(OUTPUT.check)], ...],
    Field(min_length=1, max_length=MOST_TFS),
    AfterValidator(_distinct),
]
TfNames = Annotated[tuple[TfName, ...], Field(min_length=1, max_length=MOST_TFS), AfterValidator(_distinct)]
CellTypes = Annotated[
    tuple[Annotated[str, AfterValidator(CELL_TYPE.check)], ...], Field(min_length=1), AfterValidator(_distinct)
]
Sizes = Annotated[dict[str, int | float], AfterValidator(check_sizes)]


class MostResolved(Strict):
    """Choose the TFs with the most resolved regions, as the paper chose its 50."""

    most_resolved: Annotated[int, Field(gt=0, le=MOST_TFS)]


class Related(Strict):
    """Choose TFs by what they are to one TF, as the paper did for its pentad.

    Attributes
    ----------
    relation
        ``binding_mode``: those that share one with it (`draw`); ``cofactors``: highest cosine among those that share
        none; ``cofactors_any``: highest cosine, whatever their binding mode; ``non_cofactors``: lowest cosine among
        those that share one; ``string``: highest STRING score (`other_modes`); ``random``: drawn, by the
        configuration's seed, among unrelated ones. See `tfb_matrix_data.relations.Relations`.
    of
        The TF.
    n
        How many TFs in all, but for those of `bury`.
    with_target
        Whether the TF itself is one of them, the first.
    other_modes
        Of ``string``: only partners that share no binding mode with it.
    draw
        Of ``binding_mode``: ``most_bound``, those with most bound regions, or ``random``, by the configuration's seed
        (the paper).
    bury
        So many more TFs, after the others: those with the most resolved regions that share no binding mode with it
        (the paper buried its five among 45).
    kind
        Labels that cosines and bound regions are of: ``less_sparse``, as in the authors' code, or ``sparse``, as the
        paper says.
    modes
        Table of binding modes; default JASPAR 2020's clusters; ``derived``: see `tfb_matrix_data.modes.read_modes`.
    string
        Table of STRING scores (columns TF_a, TF_b, score), which ``string`` needs and ``random`` stays away from.
    """

    relation: Literal["binding_mode", "cofactors", "cofactors_any", "non_cofactors", "string", "random"]
    of: TfName
    n: Annotated[int, Field(gt=0, le=MOST_TFS)] = 5
    with_target: bool = False
    other_modes: bool = False
    draw: Literal["most_bound", "random"] = "most_bound"
    bury: Annotated[int, Field(ge=0, le=MOST_TFS)] = 0
    kind: Literal["less_sparse", "sparse"] = "less_sparse"
    modes: str | None = None
    string: str | None = None

    @model_validator(mode="after")
    def _fits_its_relation(self) -> Related:
        if self.with_target and self.n < 2:
            raise ValueError("n must be at least 2 where the target is one of them")
        if self.n + self.bury > MOST_TFS:
            raise ValueError(f"n and bury make {self.n + self.bury} TFs; a model has at most {MOST_TFS}")
        if self.relation == "string" and self.string is None:
            raise ValueError("relation string needs `string`, a table of STRING scores (columns TF_a, TF_b, score)")
        if self.other_modes and self.relation != "string":
            raise ValueError(
                f"other_modes is of relation string, not of {self.relation}; cofactors are of other modes, and "
                "relation cofactors_any takes those of any"
            )
        if self.draw == "random" and self.relation != "binding_mode":
            raise ValueError(f"draw is of relation binding_mode, not of {self.relation}")
        return self


def _form(value: Any) -> str:
    """Return which form of `tfs` is meant, so that what is wrong is said of that form."""
    if isinstance(value, MostResolved) or (isinstance(value, dict) and "most_resolved" in value):
        return "MostResolved"
    if isinstance(value, Related | dict):
        return "Related"
    return "names" if isinstance(value, list | tuple) else "all"


class SplitConfig(Strict):
    """Chromosomes of each use; none may have two.

    Attributes
    ----------
    train
        Default: all of the matrix that have no other use.
    validation, test, excluded
        Do not train; excluded ones are not used at all.
    """

    train: tuple[str, ...] | None = None
    validation: tuple[str, ...] = VALIDATION
    test: tuple[str, ...] = TEST
    excluded: tuple[str, ...] = ACCEPTANCE


class TeacherConfig(Strict):
    """Learn also from what trained models say (distillation; Hinton et al. 2015, doi:10.48550/arXiv.1503.02531).

    Attributes
    ----------
    entries
        Zoo entries, or folders of entries, whose strand-averaged logits are averaged. They must have the TFs that are
        trained, and none may have trained on what this configuration holds out.
    weight
        Share of the loss, between 0 and 1, that is the cross-entropy against the teachers' probabilities, of all TFs
        in all regions; the rest is that against the labels, where they are resolved.
    made_up
        How many times as many windows are made up of the training windows, for the teachers alone to label.
    evidence
        Where something is known of a TF in a region, the teachers' word counts half, and this the other half:
        ``ordinal`` (1 bound, 0.5 ambiguous, 0 unbound) or ``cells`` (the mean of that over the profiled cell types in
        which the region is open).
    """

    entries: Annotated[tuple[str, ...], Field(min_length=1)]
    weight: Annotated[float, Field(gt=0, le=1)] = 0.5
    made_up: Annotated[int, Field(ge=0, le=16)] = 0
    evidence: Literal["ordinal", "cells"] | None = None


class PretrainConfig(Strict):
    """A multi-task model, from labels to optimiser.

    Attributes
    ----------
    name
        Name of the zoo entry.
    summary
        One sentence for the card.
    tfs
        ``all``, a list of names, ``{most_resolved: N}``, or ``{relation: ..., of: TF, n: N}`` (see `Related`).
    labels
        ``sparse`` or ``less_sparse``.
    resolved
        ``any``: every region in which at least one TF is resolved, the loss taken where it is (masked);
        ``all``: only regions resolved for all TFs (the paper).
    split
        Chromosomes held out, or ``paper`` for its leaking random 80/10/10.
    sizes
        Sizes of the network other than the architecture's own, such as ``channels: 256``.
    first_layer
        ``random``, or ``jaspar``: the architecture's first filters and outputs start from the JASPAR 2020 profiles
        of the TFs (the architecture must know how: ``motif-cnn``).
    teacher
        Models to learn from beside the labels, see `TeacherConfig`; every region that has sequence then trains,
        labelled or not.
    cell_types
        Labels of these cell types only, also where TFs are chosen by them; default all. ``all`` TFs are then those
        profiled there.
    fraction
        Share of the training regions to use, drawn by the seed, for curves over the amount of data.
    max_regions
        At most so many training regions, drawn by the seed, so that models compared have seen as much (the paper:
        70,000, and 40,000 where five TFs are compared with fifty).
    shift
        Windows are shifted at random by up to so many bp in training, with N where nothing is known.
    strands
        ``random``: each window on one random strand per epoch; ``both``: both strands in every epoch (the paper).
    output_bias
        ``prior`` starts each output at its log odds of binding, ``default`` as torch does.
    schedule
        ``one_cycle`` up to `learning_rate` and down again, or ``constant``.
    patience
        Stop after so many epochs without a lower validation loss; the network is that of the best epoch in any case.
        Default: all epochs. With ``constant`` only: a cycle that is cut short has not come down.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    name: Annotated[str, Field(pattern=f"^{PART.pattern.pattern}$", max_length=PART.longest)]
    summary: str
    architecture: str = "paper-cnn"
    sizes: Sizes = Field(default_factory=dict)
    first_layer: Literal["random", "jaspar"] = "random"
    tfs: Annotated[
        Annotated[Literal["all"], Tag("all")]
        | Annotated[MostResolved, Tag("MostResolved")]
        | Annotated[Related, Tag("Related")]
        | Annotated[TfNames, Tag("names")],
        Discriminator(_form),
    ] = "all"
    labels: Literal["sparse", "less_sparse"] = "sparse"
    cell_types: CellTypes | None = None
    resolved: Literal["any", "all"] = "any"
    split: SplitConfig | Literal["paper"] = SplitConfig()
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_regions: Annotated[int, Field(gt=0)] | None = None
    teacher: TeacherConfig | None = None
    strands: Literal["random", "both"] = "random"
    output_bias: Literal["prior", "default"] = "prior"
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0)] = 0.003
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    shift: Annotated[int, Field(ge=0, le=50)] = 0
    epochs: Annotated[int, Field(gt=0, le=100_000)] = 5
    patience: Annotated[int | None, Field(gt=0)] = None
    batch_size: Annotated[int, Field(gt=1, le=1 << 20)] = 256
    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0

    @model_validator(mode="after")
    def _patience_is_of_a_constant_rate(self) -> PretrainConfig:
        if self.patience is not None and self.schedule != "constant":
            raise ValueError("patience needs `schedule: constant`: a cycle that is cut short has not come down")
        return self

    @model_validator(mode="after")
    def _one_limit(self) -> PretrainConfig:
        if self.max_regions is not None and self.fraction != 1:
            raise ValueError("fraction and max_regions both limit the training regions; give one of them")
        return self


def read_config(path: str | Path) -> PretrainConfig:
    """Read and validate a configuration.

    Raises
    ------
    InputError
        If the file is missing, not YAML, or too large.
    ConfigError
        If a field is unknown or has a wrong value; the message names it.
    """
    try:
        fields = plain_yaml(read_at_most(path, _MOST_BYTES).decode())
    except FileNotFoundError:
        raise InputError(path, "no such configuration file") from None
    except (yaml.YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise InputError(path, f"is not YAML: {error}") from None
    if not isinstance(fields, dict):
        raise InputError(path, "is not a configuration (expected `field: value` lines)")
    try:
        return PretrainConfig.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error)}") from None
