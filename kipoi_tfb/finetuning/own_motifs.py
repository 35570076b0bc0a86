"""Motifs that a TF brings along to a base that does not know it: found in its regions, or known of it.

A base tells the TFs that it learnt by the motifs that it learnt. A TF that is unlike all of them loses to its own PWM
under an output layer alone, however many regions it has; with its PWMs beside what the base sees, it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.motif_cnn import OwnMotifs
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.motifs.denovo import find_motifs
from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import Motif, motif_filters
from kipoi_tfb.motifs.scorer import choose_profiles
from kipoi_tfb.training.data import LabelledWindows
from kipoi_tfb.zoo.card import Card
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

__all__ = ["SPREAD", "TfMotifs", "best_matches", "check_takes_motifs", "find_tf_motifs", "with_motifs"]

_FOUND = 3
_MOST_BOUND = 2000
"""Bound regions that motifs are looked for in: more take longer, and find the same."""
SPREAD = 2.0
"""Standard deviation that best matches are given, against some 1 of the base's features: they are held less."""
_HOLD_KNOWN, _HOLD_FOUND = 0.01, 0.1
"""Penalties on shares of the start: a motif that was found in the training regions suits them better than others."""


@dataclass(frozen=True)
class TfMotifs:
    """Motifs of a TF.

    Attributes
    ----------
    names
        Of the motifs: JASPAR's identifier and name, or the consensus of one that was found.
    filters
        float32 (motifs, 4, width): their log-odds.
    mean, scale
        float32 (motifs,): what is taken off best matches, and what they are then multiplied with.
    hold
        float32 (motifs,): penalty on the share of each in a start, see `kipoi_tfb.finetuning.head.fit_beside_motifs`.
    """

    names: tuple[str, ...]
    filters: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    hold: NDArray[np.float32]

    def features(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the best matches in windows (windows, length), standardised, float32 (windows, motifs)."""
        return (best_matches(self.filters, codes) - self.mean) * self.scale


def find_tf_motifs(tf: str, train: LabelledWindows, seed: int, profiles: Sequence[str]) -> TfMotifs:
    """Return the JASPAR profile of a TF that suits its training windows best, if it has one, and motifs found in them.

    Parameters
    ----------
    tf
        Its name.
    train
        Windows with one column of labels.
    seed
        Of the draw of windows where there are many.
    profiles
        Identifiers of its JASPAR profiles; none where it has none.

    Raises
    ------
    ConfigError
        If JASPAR does not know the TF and nothing is found.
    """
    sample = balanced_sample(train.labels[:, 0], gc_content(train.codes), seed_of(seed, 1), at_most=_MOST_BOUND)
    found = find_motifs(train.codes[sample.bound], train.codes[sample.unbound], _FOUND, seed=seed, tf=tf)
    motifs: list[Motif] = [one.motif for one in found]
    names = [f"de novo {number} {motif.consensus}" for number, motif in enumerate(motifs, 1)]
    hold = [_HOLD_FOUND] * len(motifs)
    if profiles:
        known = jaspar_motifs(profiles={tf: profiles})
        (profile,) = choose_profiles(known, train.codes, train.labels, seed).values()
        motifs.insert(0, profile)
        names.insert(0, f"{profile.matrix_id} {profile.name}")
        hold.insert(0, _HOLD_KNOWN)
    if not motifs:
        raise ConfigError(
            f"no motif is found in the training regions of {tf}, and JASPAR 2020 has none; use --arm head"
        )
    filters = motif_filters(motifs, OwnMotifs.WIDTH)
    matches = best_matches(filters, train.codes[sample.regions])
    scale = SPREAD / np.maximum(matches.std(0), np.float32(1e-3))
    return TfMotifs(tuple(names), filters, matches.mean(0), scale, np.array(hold, np.float32))


def with_motifs(network: nn.Module, card: Card, motifs: TfMotifs, share: NDArray[np.float32]) -> nn.Module:
    """Return a network of one output with motifs beside it.

    Parameters
    ----------
    network
        Of the architecture of `card`, without motifs.
    card
        The base's.
    motifs
        Of the TF.
    share
        float32 (motifs,): what each feature of `TfMotifs.features` adds to the logit.

    Raises
    ------
    ConfigError
        If the architecture takes no motifs.
    """
    check_takes_motifs(card)
    fuller = build_network(card.architecture, 1, card.window_length, {**card.sizes, "own_motifs": len(motifs.names)})
    per_match = share * motifs.scale
    own = {
        "own_motifs.weight": torch.from_numpy(motifs.filters[:, :, None]),
        "own_motifs.share": torch.from_numpy(per_match[None].astype(np.float32)),
    }
    fuller.load_state_dict({**network.state_dict(), **own})
    with torch.no_grad():
        fuller.get_parameter("head.bias").sub_(float(per_match @ motifs.mean))
    return fuller


def best_matches(filters: NDArray[np.float32], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the best match of each motif in windows, on either strand, float32 (windows, motifs).

    Parameters
    ----------
    filters
        float32 (motifs, 4, width): log-odds.
    codes
        uint8 (windows, length).
    """
    scan = OwnMotifs(len(filters), 1)
    scan.load_state_dict({**scan.state_dict(), "weight": torch.from_numpy(filters[:, :, None])})
    return logits_of([scan], codes, torch.device("cpu"), read=lambda _, one_hot: scan.best_matches(one_hot))


def check_takes_motifs(base: Card) -> None:
    """Refuse a base whose architecture takes no motifs of a TF's own.

    Raises
    ------
    ConfigError
        If it does not.
    """
    if base.architecture != "motif-cnn":
        raise ConfigError(
            f"arm motif-head needs a base of architecture motif-cnn; {base.name} is a {base.architecture}"
        )
