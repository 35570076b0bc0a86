"""The paper's way to start a network from known motifs: its first filters are JASPAR's profiles and motifs found."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from kipoi_tfb.models.paper_cnn import PaperCNN
from kipoi_tfb.motifs.denovo import find_motifs
from kipoi_tfb.motifs.jaspar import jaspar_motifs
from kipoi_tfb.motifs.profiles import Motif, frequency_filters
from kipoi_tfb.training.data import LabelledWindows
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.modes import read_profile_clusters
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

__all__ = ["N_DENOVO", "N_PROFILES", "check_takes", "denovo_motifs", "dissimilar_profiles", "start_from_motifs"]

logger = logging.getLogger(__name__)

N_PROFILES, N_DENOVO = 50, 5
"""Profiles of JASPAR, and motifs found in the training windows, each of which is a filter for either strand."""
_MOST_BOUND = 2000


def dissimilar_profiles(seed: int, n: int = N_PROFILES, clusters: Mapping[str, str] | None = None) -> list[Motif]:
    """Return profiles of JASPAR 2020 of as many clusters, so that none is like another; the seed draws them.

    The paper does not say which it took: here both the clusters and a profile of each are drawn.

    Parameters
    ----------
    seed
        Of the draw.
    n
        How many.
    clusters
        {identifier of a profile: its cluster}; default `tfb_matrix_data.modes.read_profile_clusters`.

    Raises
    ------
    ConfigError
        If there are fewer clusters.
    """
    clusters = read_profile_clusters() if clusters is None else clusters
    members: dict[str, list[str]] = {}
    for matrix_id, cluster in sorted(clusters.items()):
        members.setdefault(cluster, []).append(matrix_id)
    if len(members) < n:
        raise ConfigError(
            f"{len(clusters)} profiles in {len(members)} clusters: there are no {n} of which none is like another"
        )
    rng = np.random.default_rng(seed)
    chosen = [members[cluster] for cluster in rng.permutation(sorted(members))[:n].tolist()]
    identifiers = [group[int(rng.integers(len(group)))] for group in chosen]
    found = jaspar_motifs(profiles={matrix_id: (matrix_id,) for matrix_id in identifiers})
    return [found[matrix_id][0] for matrix_id in identifiers]


def denovo_motifs(tf: str, train: LabelledWindows, seed: int = 0, n: int = N_DENOVO) -> list[Motif]:
    """Return motifs that are found in bound training windows more often than in unbound ones, best first.

    Fewer than `n` come back where no word is enriched any more.

    Parameters
    ----------
    tf
        Named in the motifs.
    train
        Windows with one column of labels, of which some thousands are looked at.
    seed
        Of the draw, and of STREME.
    """
    sample = balanced_sample(train.labels[:, 0], gc_content(train.codes), seed_of(seed, 0), at_most=_MOST_BOUND)
    found = find_motifs(train.codes[sample.bound], train.codes[sample.unbound], n, seed=seed, tf=tf)
    return [one.motif for one in found]


def start_from_motifs(network: torch.nn.Module, denovo: Sequence[Motif], seed: int, n: int = N_PROFILES) -> list[str]:
    """Start the first filters from profiles of JASPAR, then from motifs found in both orientations; return their names.

    A filter is the base frequencies less 0.25, in the middle of the filter's width. The other filters stay as they are.

    Parameters
    ----------
    network
        A `PaperCNN`.
    denovo
        Of `denovo_motifs`.
    seed
        Of `dissimilar_profiles`.
    n
        How many of these.

    Raises
    ------
    ConfigError
        If there are not so many dissimilar profiles, or fewer filters than motifs.

    Notes
    -----
    Source: Novakovsky et al. 2021, Methods, doi:10.1186/s13059-021-02499-5: 50 profiles and 5 motifs, 60 filters.
    """
    assert isinstance(network, PaperCNN)
    motifs = dissimilar_profiles(seed, n)
    names = [motif.matrix_id for motif in motifs]
    for motif in denovo:
        motifs += [motif, replace(motif, pfm=motif.pfm[::-1, ::-1])]
        names += [f"{motif.matrix_id} +", f"{motif.matrix_id} -"]
    first = network.get_parameter("features.0.weight")
    if len(motifs) > len(first):
        raise ConfigError(f"{len(motifs)} motifs for {len(first)} filters; start from fewer")
    with torch.no_grad():
        first[: len(motifs)] = torch.from_numpy(frequency_filters(motifs, first.shape[2]))
    logger.info("%d of %d first filters start from motifs, %d of them found here", len(motifs), len(first), len(denovo))
    return names


def check_takes(architecture: str, name: str) -> None:
    """Refuse a base whose first filters are not the paper's.

    Raises
    ------
    ConfigError
        If it is of another architecture.
    """
    if architecture != "paper-cnn":
        other = "; its arm is jaspar" if architecture == "motif-cnn" else ""
        raise ConfigError(f"arm motifs needs a base of architecture paper-cnn; {name} is a {architecture}{other}")
