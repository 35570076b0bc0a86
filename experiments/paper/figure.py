"""What a figure or table of the paper is made from: one YAML in ``figures/``, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from experiments.paper.arms import ARMS
from kipoi_tfb.zoo.plain_yaml import plain_yaml
from kipoi_tfb.zoo.strict import Strict, explain
from tfb_matrix_data.bounded import read_at_most
from tfb_matrix_data.errors import ConfigError, InputError, UnknownNameError

__all__ = [
    "BASES_FILE",
    "FIGURES",
    "BaseSpec",
    "Claim",
    "Figure",
    "Group",
    "Pick",
    "Relation",
    "read_bases",
    "read_figures",
]

FIGURES = Path(__file__).parent / "figures"
BASES_FILE = "bases.yaml"
_MOST_BYTES = 1 << 20

Relation = Literal["binding_mode", "cofactors", "non_cofactors", "string", "cofactors_any", "string_any", "random"]


class BaseSpec(Strict):
    """A multi-model to start from; one with a relation is another for each TF.

    Attributes
    ----------
    most_resolved
        The TFs with the most resolved regions, so many (the paper's 50).
    profiled_in
        Or all TFs that were profiled in each of these cell types.
    relation, n, with_target
        Or the `n` TFs that are something to the TF of the cell, it among them or not.
    bury
        How many TFs with another binding mode than the TF of the cell are added, those with the most resolved regions.
    without_target
        Of `most_resolved`: leave out the TF of the cell.
    max_regions
        Regions to train, validate and test with, drawn at random; None: all.
    chromosomes
        Whether chr21, chr22 and chr16 are held out; else 80/10/10 at random, as in the paper.
    cell_types
        Labels of these alone.
    """

    architecture: Literal["paper-cnn", "danq"] = "paper-cnn"
    most_resolved: Annotated[int, Field(gt=1)] | None = None
    profiled_in: tuple[str, ...] = ()
    relation: Relation | None = None
    n: Annotated[int, Field(gt=1)] = 5
    with_target: bool = False
    without_target: bool = False
    bury: Annotated[int, Field(ge=0)] = 0
    max_regions: Annotated[int, Field(gt=0)] | None = None
    chromosomes: bool = False
    cell_types: tuple[str, ...] | None = None
    epochs: Annotated[int, Field(gt=0)] = 15
    seed: int = 1

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> BaseSpec:
        if sum([self.most_resolved is not None, self.relation is not None, bool(self.profiled_in)]) != 1:
            raise ValueError(
                "a base is of the `most_resolved` TFs, of a `relation` or of those `profiled_in` cell types"
            )
        if self.bury and self.relation is None:
            raise ValueError("`bury` needs the `relation` whose TFs are buried")
        return self


class Group(Strict):
    """Cells that differ in the TF, the arm, the size and the split alone.

    Attributes
    ----------
    tfs
        Names; or ``all``, ``most_resolved N``, ``all but most_resolved N``, ``profiled_in CELL ...``.
    arms
        Of `experiments.paper.arms.ARMS`.
    bases
        Names in ``bases.yaml``. What trains from nothing leaves out the regions of its base too, to be comparable.
    sizes, most
        Bound regions to train and validate with: exactly so many each, or at most so many.
    least
        A TF with fewer bound regions in all has a row that says so.
    tested
        At most so many bound regions are tested on.
    splits
        How many random splits; or ``chr22``: train on other chromosomes, test on that.
    stage
        Cells of a lower stage go first, over all figures.
    step
        How many stages later each further split goes: 0 where cells are cheap, 2 where a split more makes means
        steadier and adds nothing to the n of a claim, which is over TFs.
    cell_types
        Labels of these alone.
    """

    tfs: str | tuple[str, ...]
    arms: Annotated[tuple[str, ...], Field(min_length=1)]
    bases: Annotated[tuple[str, ...], Field(min_length=1)]
    sizes: tuple[Annotated[int, Field(ge=20)], ...] = ()
    most: Annotated[int, Field(ge=20)] | None = None
    least: Annotated[int, Field(gt=0)] = 250
    tested: Annotated[int, Field(gt=0)] = 2500
    splits: Annotated[int, Field(gt=0)] | Literal["chr22"] = 1
    stage: int = 0
    step: Annotated[int, Field(ge=0)] = 1
    cell_types: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _has_known_arms(self) -> Group:
        for arm in self.arms:
            if arm not in ARMS:
                raise ValueError(str(UnknownNameError("arm", arm, ARMS)))
        return self


class Pick(Strict):
    """Which rows a claim or a picture is of: those that fit all that is given.

    `role` is what the TF is to the base: ``in`` it, of the same binding ``mode`` as one in it, or of ``other`` modes.
    `minus` takes off what another arm gives, cell by cell; `fact` names a number of a figure that is not made of cells.
    """

    figure: str | None = None
    tf: str | tuple[str, ...] | None = None
    arm: str | None = None
    base: str | tuple[str, ...] | None = None
    cells: str | None = None
    n: int | None = None
    role: Literal["in", "out", "mode", "other"] | None = None
    minus: str | None = None
    fact: str | None = None


class Claim(Strict):
    """What the paper says, and how it is tested here.

    Attributes
    ----------
    says
        The claim, in our words.
    published
        Its number.
    test
        ``wilcoxon``: signed rank of pairs (`unit`); ``welch``; ``kruskal``: over groups of cells, the
        p-value times `comparisons` (Bonferroni); ``spearman``: of values with the number of windows to train with;
        ``value``: a mean against a number; ``fact``: a number against a number.
    unit
        Of ``wilcoxon`` and ``welch``: what values are means of: TFs, or the splits of each (where TFs are few).
    by_tf
        Whether each TF is tested for itself.
    of
        What is compared: two picks, or more for ``kruskal``, or one for ``value``.
    expect
        Of the first against the second.
    p
        Of ``fact``: the fact that is its p-value.
    near, within
        The number published, and how far ours may be from it.
    cannot
        Why it cannot be tested here.
    """

    says: str
    published: str = ""
    test: Literal["wilcoxon", "welch", "kruskal", "spearman", "value", "fact"] | None = None
    of: tuple[Pick, ...] = ()
    expect: Literal["greater", "less", "different", "same"] = "greater"
    unit: Literal["tf", "split"] = "tf"
    by_tf: bool = False
    comparisons: int = 1
    p: str | None = None
    near: float | None = None
    within: float = 0.05
    cannot: str | None = None


class Figure(Strict):
    """A figure or table.

    Attributes
    ----------
    title, says
        For readers: what it is of, and what was done here, with what is not the paper's.
    groups
        Its cells.
    facts
        Or a function of `experiments.paper.facts`.
    length
        Of windows, centred on the regions; default the regions' own.
    rows_of
        Figures whose rows it shows too.
    also
        Other figures and tables of the paper that this one stands for.
    plot
        How it is drawn: see `experiments.paper.plot`.
    not_run
        Why it has no rows; it is run with `anyway`.
    """

    name: str
    title: str
    says: str = ""
    groups: tuple[Group, ...] = ()
    facts: str | None = None
    length: Annotated[int, Field(ge=30)] | None = None
    rows_of: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    plot: dict[str, Any] | None = None
    not_run: str | None = None


def read_figures(folder: Path = FIGURES) -> dict[str, Figure]:
    """Return the figures of a folder by name, in the order of the paper.

    Raises
    ------
    InputError, ConfigError
        If a file is not YAML; if a field, a base or a figure is unknown. The message names the file.
    """
    known = read_bases(folder)
    figures = {}
    for path in sorted(folder.glob("*.yaml"), key=_order):
        if path.name == BASES_FILE:
            continue
        figure = _validated(Figure, {"name": path.stem, **_read(path)}, path)
        for base in (base for group in figure.groups for base in group.bases):
            if base not in known:
                raise ConfigError(f"{path}: {UnknownNameError('base', base, known)}")
        figures[path.stem] = figure
    for figure in figures.values():
        for other in figure.rows_of:
            if other not in figures:
                raise ConfigError(f"{folder / figure.name}.yaml: rows_of: {UnknownNameError('figure', other, figures)}")
    return figures


def read_bases(folder: Path = FIGURES) -> dict[str, BaseSpec]:
    """Return the bases of a folder's ``bases.yaml`` by name."""
    path = folder / BASES_FILE
    return {name: _validated(BaseSpec, fields or {}, path, f"base {name}: ") for name, fields in _read(path).items()}


def _order(path: Path) -> tuple[bool, bool, int, str]:
    digits = "".join(letter for letter in path.stem if letter.isdigit())
    return path.stem.startswith("table"), "S" in path.stem, int(digits or 0), path.stem


def _read(path: Path) -> dict[str, Any]:
    try:
        fields = plain_yaml(read_at_most(path, _MOST_BYTES).decode())
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"is not YAML: {error}") from None
    if not isinstance(fields, dict):
        raise InputError(path, "expected `field: value` lines")
    return fields


def _validated(kind: Any, fields: dict[str, Any], path: Path, what: str = "") -> Any:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(f"{path}: {what}{explain(error)}") from None
