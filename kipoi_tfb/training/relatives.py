"""A base of one's own for one TF: a model of its relatives, trained on a binding matrix before the TF itself."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from kipoi_tfb.training.job import pretrain
from kipoi_tfb.zoo.card import CARD_FILE
from kipoi_tfb.zoo.config import PretrainConfig, Related
from kipoi_tfb.zoo.entry import Entry, open_entry
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix

__all__ = ["RELATIONS", "base_of_relatives", "relatives_config"]

RELATIONS = tuple(name for name in get_args(Related.model_fields["relation"].annotation) if name != "string")
"""Relations that need no table beside the matrix."""

_PROTOCOL = {
    "architecture": "paper-cnn",
    "labels": "less_sparse",
    "resolved": "all",
    "strands": "both",
    "output_bias": "default",
    "optimiser": "adam",
    "learning_rate": 0.003,
    "schedule": "constant",
    "epochs": 15,
    "patience": 4,
    "batch_size": 100,
}
"""Of experiments/pentad."""


def relatives_config(tf: str, relation: str, n: int = 5, seed: int = 0) -> PretrainConfig:
    """Return the configuration of a base of TFs that are something to one TF, which is not among them.

    Parameters
    ----------
    tf
        Of the matrix.
    relation
        One of `RELATIONS`, see `kipoi_tfb.zoo.config.Related`.
    n
        How many.
    seed
        Of the training, and of the relation ``random``.

    Raises
    ------
    UnknownNameError
        If there is no such relation.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, doi:10.1186/s13059-021-02499-5; all but the TFs is as in
    experiments/pentad (`_PROTOCOL`).
    """
    if relation not in RELATIONS:
        raise UnknownNameError("relation", relation, RELATIONS)
    return PretrainConfig.model_validate(
        {
            "name": f"relatives-{tf}-{relation.replace('_', '-')}",
            "summary": f"{n} TFs that are to {tf}: {relation.replace('_', ' ')}; the paper's CNN by the paper's own "
            "protocol, on this project's held-out chromosomes.",
            "tfs": {"relation": relation, "of": tf, "n": n},
            "seed": seed,
            **_PROTOCOL,
        }
    )


def base_of_relatives(
    config: PretrainConfig,
    matrix: BindingMatrix,
    genome: Genome,
    folder: str | Path,
    device: str = "auto",
    precision: str = "auto",
    command: str = "",
) -> Entry:
    """Train the base, or return the one that is there: ``folder`` and its name, where entries in `folder` find it.

    Parameters
    ----------
    config
        Of `relatives_config`.
    matrix, genome
        Labels and sequence.
    folder
        That of the fine-tune; what training leaves is in ``folder/base``, and goes on where it was stopped.
    device, precision, command
        See `kipoi_tfb.training.job.pretrain`.

    Raises
    ------
    ConfigError
        If the one that is there was made otherwise, or there are fewer such TFs.
    """
    place = Path(folder) / config.name
    if not (place / CARD_FILE).is_file():
        trained = Path(folder) / "base" / "entry"
        # One that was stopped between the two steps is whole.
        if not trained.exists():
            pretrain(config, matrix, genome, trained.parent, device, precision, command)
        trained.rename(place)
    base = open_entry(place)
    if base.card.training.config != config:
        raise ConfigError(f"{place} was made with another configuration than this; use another --output")
    return base
