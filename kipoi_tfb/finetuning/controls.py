"""What a fine-tuned entry is compared with: the scorers that are its controls, made for the TF and the test regions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.evaluation.scorers import KnownScores, NetworkScorer, Scorer, TableScorer
from kipoi_tfb.finetuning.learn import train_seeds
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.finetuning.own_motifs import best_matches
from kipoi_tfb.finetuning.verdict import NOT_RUN
from kipoi_tfb.finetuning.work import Work
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.motifs.denovo import denovo_scorer
from kipoi_tfb.motifs.scorer import jaspar_scorer
from kipoi_tfb.zoo.controls import ControlKind
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.networks import load_network, outputs_of

__all__ = ["Compared", "lacking", "make_controls"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compared:
    """What scores the test regions: the entry, and what it is compared with.

    Attributes
    ----------
    own, controls
        The entry, and {control: its scorer}.
    not_run
        {control: why}, of those asked for that cannot be.
    """

    own: Scorer | TableScorer
    controls: dict[ControlKind, Scorer | TableScorer]
    not_run: dict[ControlKind, str]


def lacking(entry: Entry, controls: Sequence[ControlKind]) -> list[ControlKind]:
    """Return those of the controls that an entry was not compared with, though it could be."""
    gate = entry.card.gate
    if gate is None:
        return []
    return [kind for kind in controls if gate.not_run.get(kind) == NOT_RUN]


def make_controls(work: Work, candidate: Entry, nearest: Nearest, controls: Sequence[ControlKind]) -> Compared:
    """Make the scorers of a candidate and of those of the controls that can be run.

    From scratch, the candidate's architecture is trained here, with as many seeds.
    """
    config, base, data = work.config, work.base, work.data
    tf, train_windows = config.tf, data.training.train
    found: dict[ControlKind, Scorer | TableScorer] = {}
    not_run: dict[ControlKind, str] = {}
    features: list[NDArray[np.float32]] = []  # computed once, and only if someone asks

    def by_head(name: str, entry: Entry, row: int) -> KnownScores:
        if not features:
            features.append(work.features(data.test_region, data.test.codes))
        weight, bias, filters, share = (value.numpy() for value in outputs_of(entry))
        scores = features[0] @ weight[row] + bias[row]
        if len(filters):
            scores += best_matches(filters[:, :, 0], data.test.codes) @ share[row]
        return KnownScores(name, tf, scores)

    own: Scorer | TableScorer
    if candidate.own_outputs() is not None:
        own = by_head(config.entry_name, candidate, 0)
    else:
        own = _network_scorer(config.entry_name, tf, load_network(candidate), work.device, "fp32")
    if "base" in controls:
        whose = "its own output" if nearest.own else f"its {nearest.tf} output"
        found["base"] = by_head(f"{base.card.name} ({whose})", base, base.card.tasks.index(nearest.tf))
    codes, labels = train_windows.codes, train_windows.labels
    if "jaspar" in controls and config.profiles:
        known = {tf: config.profiles}
        found["jaspar"] = jaspar_scorer([tf], codes, labels, config.seed, name="JASPAR motif", profiles=known)
    elif "jaspar" in controls:
        not_run["jaspar"] = f"JASPAR 2020 has no profile of {tf}"
        logger.info("%s: that control is left out (--motif-tf TF takes that of another name)", not_run["jaspar"])
    if "denovo" in controls:
        found["denovo"] = denovo_scorer([tf], codes, labels, config.seed, name="de novo motif")
    if "scratch" in controls and config.arm != "scratch":
        network = train_seeds(work, "scratch", nearest).network
        found["scratch"] = _network_scorer("from scratch", tf, network, work.device, work.precision)
    elif "scratch" in controls:
        not_run["scratch"] = "it is that itself"
    return Compared(own, found, not_run)


def _network_scorer(name: str, tf: str, network: nn.Module, device: torch.device, precision: str) -> NetworkScorer:
    placed = network.to(device).eval()
    return NetworkScorer(name, (tf,), lambda codes: logits_of([placed], codes, device, precision))
