"""Training configurations: one YAML file says all that a model is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.splits import ACCEPTANCE, TEST, VALIDATION

__all__ = ["MostResolved", "PretrainConfig", "TfNames", "explain", "read_config"]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} named twice")
    return names


TfNames = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_distinct)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MostResolved(_Strict):
    """Choose the TFs with the most resolved regions, as the paper chose its 50."""

    most_resolved: Annotated[int, Field(gt=0)]


class SplitConfig(_Strict):
    """Chromosomes that do not train; all others of the matrix do."""

    validation: tuple[str, ...] = VALIDATION
    test: tuple[str, ...] = TEST
    excluded: tuple[str, ...] = ACCEPTANCE


class PretrainConfig(_Strict):
    """A multi-task model, from labels to optimiser.

    Attributes
    ----------
    name
        Name of the zoo entry.
    summary
        One sentence for the card.
    tfs
        ``all``, a list of names, or ``{most_resolved: N}``.
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
    shift
        Windows are shifted at random by up to so many bp in training, with N where nothing is known.
    strands
        ``random``: each window on one random strand per epoch; ``both``: both strands in every epoch (the paper).
    output_bias
        ``prior`` starts each output at its log odds of binding, ``default`` as torch does.
    schedule
        ``one_cycle`` up to `learning_rate` and down again, or ``constant``.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    summary: str
    architecture: str = "paper-cnn"
    sizes: dict[str, int | float] = {}
    first_layer: Literal["random", "jaspar"] = "random"
    tfs: Literal["all"] | MostResolved | TfNames = "all"
    labels: Literal["sparse", "less_sparse"] = "sparse"
    resolved: Literal["any", "all"] = "any"
    split: SplitConfig | Literal["paper"] = SplitConfig()
    strands: Literal["random", "both"] = "random"
    output_bias: Literal["prior", "default"] = "prior"
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0)] = 0.003
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    shift: Annotated[int, Field(ge=0, le=50)] = 0
    epochs: Annotated[int, Field(gt=0)] = 5
    batch_size: Annotated[int, Field(gt=1)] = 256
    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0


def read_config(path: str | Path) -> PretrainConfig:
    """Read and validate a configuration.

    Raises
    ------
    InputError
        If the file is missing or not YAML.
    ConfigError
        If a field is unknown or has a wrong value; the message names it.
    """
    try:
        fields = yaml.safe_load(Path(path).read_text())
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


def explain(error: ValidationError) -> str:
    """Return the first problem of a validation in one line: the field, what was found, what is expected."""
    problems = error.errors()
    # Of a field that takes several forms (`tfs`, `split`), the problem of the form that was meant.
    first = next((p for p in problems if p["type"] not in {"literal_error", "model_type", "tuple_type"}), problems[0])
    parts = [str(part) for part in first["loc"]]
    field = ".".join(part for part in parts if "[" not in part and part not in _FORMS) or "file"
    found = "" if first["type"] in {"missing", "extra_forbidden"} else f" (found {first['input']!r})"
    more = f"; {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"field {field!r}: {first['msg']}{found}{more}"


_FORMS = {SplitConfig.__name__, MostResolved.__name__}
"""What pydantic puts between the names of a field and of its own fields."""
