"""Where training starts from: outputs at the prior, first filters at known motifs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.models.motif_cnn import MotifCNN
from kipoi_tfb.motifs.jaspar import jaspar_motifs, start_profiles
from kipoi_tfb.motifs.profiles import motif_filters
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.modes import read_profiles

__all__ = ["start_at_prior", "start_from_jaspar"]

_SCALE = 0.15
"""Log-odds are multiplied by this: the filters then have the size that random ones start with."""

_OWN_WEIGHT = 0.5
"""How much a TF's output starts to rise per standard deviation of the best match of its motif, in log-odds."""


def start_at_prior(network: nn.Module, labels: NDArray[np.int8]) -> None:
    """Set the bias of each output to the log odds of a label being 'bound'.

    Parameters
    ----------
    network
        With a linear layer `head`.
    labels
        int8 (windows, TFs) of the training windows: 1, 0, or -1 for unresolved.
    """
    bound = (labels == 1).sum(0)
    resolved = (labels >= 0).sum(0)
    prior = (bound + 1) / (resolved + 2)
    with torch.no_grad():
        network.get_parameter("head.bias").copy_(torch.from_numpy(np.log(prior / (1 - prior))))


def start_from_jaspar(network: nn.Module, tfs: Sequence[str], others: Sequence[str] = ()) -> None:
    """Start the first filters from the JASPAR 2020 profiles of the TFs, and each TF's output from its own ones.

    A profile that several TFs share is one filter; TFs without a profile have none.

    Parameters
    ----------
    network
        A `MotifCNN`.
    tfs
        Of the outputs.
    others
        TFs without an output, whose profiles are filters too.

    Raises
    ------
    ConfigError
        If the network is not a `MotifCNN`, or has fewer filters than there are profiles.
    """
    if not isinstance(network, MotifCNN):
        raise ConfigError("field 'first_layer': jaspar needs `architecture: motif-cnn`")
    known = read_profiles()
    profiles = jaspar_motifs([tf for tf in tfs if tf in known])
    distinct = start_profiles(tfs, others)
    rows = {motif.matrix_id: row for row, motif in enumerate(distinct)}
    n_filters, _, _, width = network.scan_weight.shape
    if len(distinct) > n_filters:
        raise ConfigError(f"field 'sizes.filters': {n_filters} filters for {len(distinct)} JASPAR profiles")
    owners = [(task, rows[motif.matrix_id]) for task, tf in enumerate(tfs) for motif in profiles.get(tf, ())]
    filters = torch.from_numpy(motif_filters(distinct, width)) * _SCALE
    network.start_from_motifs(filters, owners, _OWN_WEIGHT)
