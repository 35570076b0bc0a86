"""The filters of a first layer as motifs: what they match, which known motif that is, and how much they matter.

Fig 9A and Table S4 of Novakovsky et al. 2021 (doi:10.1186/s13059-021-02499-5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kipoi_tfb.models.device import batch_size_for, choose_device
from kipoi_tfb.models.filters import FirstLayer, first_layer
from kipoi_tfb.models.first_layer import first_filters
from kipoi_tfb.models.logits import as_tensor, probability, to_one_hot
from kipoi_tfb.motifs.jaspar import start_profiles, vertebrate_motifs
from kipoi_tfb.motifs.profiles import Motif, log_odds, trimmed
from kipoi_tfb.motifs.tomtom import ALIKE, Match, compare_motifs, tomtom_function
from kipoi_tfb.output.logos import information
from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.errors import ConfigError

__all__ = ["FilterMotif", "FilterOptions", "Influence", "entry_filters", "filter_influence", "filter_sites"]

ACTIVE = 0.5
"""Share of its largest activation from which a filter matches a place, as in the paper."""


@dataclass(frozen=True)
class FilterOptions:
    """How filters are looked at.

    Attributes
    ----------
    influence
        Windows on which each filter is silenced, the first of those given; 0: no influence.
    device
        See `kipoi_tfb.models.device.choose_device`.
    whole
        Compare whole motifs with known ones, as the paper does. By default outer columns that say little are cut off
        before: profiles with flat flanks are like any filter with such (`kipoi_tfb.motifs.profiles.trimmed`).
    """

    influence: int = 200
    device: str = "cpu"
    whole: bool = False


class Influence(NamedTuple):
    """What silencing each filter does.

    Attributes
    ----------
    influence
        float64 (filters,): mean squared change of the probabilities, over windows and TFs.
    log_odds
        float64 (filters, TFs): mean change of the log-odds of binding, silenced minus whole.
    """

    influence: NDArray[np.float64]
    log_odds: NDArray[np.float64]


class FilterMotif(NamedTuple):
    """A filter.

    Attributes
    ----------
    filter
        Its number, from 0.
    motif
        Counts of bases at the places that it matches.
    sites
        How many places.
    information
        Bits of the motif, over all its columns.
    match
        The known motif that it is most like; None for a filter that matches nowhere.
    influence
        Mean squared change of the probabilities when it is silenced; NaN where that was not asked for.
    tf, tf_change
        The TF whose log-odds of binding change most on average, and by how much.
    start, start_match
        The profile that it was before training, and how like that it still is; None for a filter that started at
        random, or is not known to have started otherwise.
    change
        Of its weights since the base: length of the difference by that of the base's (L2); NaN without a base.
    """

    filter: int
    motif: Motif
    sites: int
    information: float
    match: Match | None
    influence: float
    tf: str
    tf_change: float
    start: Motif | None = None
    start_match: Match | None = None
    change: float = float("nan")

    @property
    def is_known(self) -> bool:
        """Return whether it is like a known motif."""
        return self.match is not None and self.match.q <= ALIKE

    @property
    def kept(self) -> str:
        """Return what became of the motif that it started as: ``kept``, ``alike``, ``lost``; empty without one.

        Kept: it is like that one, and no known motif is more like it. Alike: another is. Lost: it is not like it.
        """
        if self.start is None:
            return ""
        if self.match is None or self.start_match is None or self.start_match.q > ALIKE:
            return "lost"
        return "kept" if self.start_match.p <= self.match.p else "alike"


def entry_filters(
    entry: Entry,
    codes: NDArray[np.uint8],
    tfs: Sequence[str] | None = None,
    options: FilterOptions | None = None,
    known: Sequence[Motif] | None = None,
) -> list[FilterMotif]:
    """Return the filters of an entry's first layer as motifs.

    Parameters
    ----------
    entry
        Of any architecture.
    codes
        uint8 (windows, length): such as it predicts correctly (`kipoi_tfb.interpretation.correctly_predicted`).
    tfs
        Whose predictions are looked at when a filter is silenced; default all of the entry.
    options
        Default `FilterOptions`.
    known
        Motifs to compare with; default `kipoi_tfb.motifs.jaspar.vertebrate_motifs`.

    Raises
    ------
    ConfigError
        If there is no window.
    MissingExtraError
        If memelite is not installed.
    """
    tomtom_function()
    options = options or FilterOptions()
    names = list(tfs or entry.card.tasks)
    columns = [entry.card.tasks.index(tf) for tf in names]
    network = entry.network().eval()
    pfms = filter_sites(network, codes, options.device)
    found = Influence(np.full(len(pfms), np.nan), np.full((len(pfms), len(names)), np.nan))
    if options.influence:
        found = filter_influence(network, codes[: options.influence], columns, options.device)
    matched = [number for number, pfm in enumerate(pfms) if pfm.any()]
    compared = [pfms[number] if options.whole else trimmed(pfms[number]) for number in matched]
    alike = compare_motifs(compared, known or vertebrate_motifs())
    starts, changes = _starts(entry), _changes(entry, len(pfms))
    rows = []
    for number, pfm in enumerate(pfms):
        row = matched.index(number) if number in matched else None
        start = starts[number] if number < len(starts) else None
        top = int(np.argmax(np.abs(found.log_odds[number]))) if options.influence else 0
        name = f"{entry.card.name}-filter{number}"
        rows.append(
            FilterMotif(
                number,
                Motif(name, name, names[0] if len(names) == 1 else "", pfm),
                round(float(pfm.sum(0).max())),
                0.0 if row is None else float(information(log_odds(pfm)).sum()),
                None if row is None else alike.best(row),
                float(found.influence[number]),
                names[top] if options.influence else "",
                float(found.log_odds[number, top]),
                start,
                None if row is None or start is None else alike.of(row, start.matrix_id),
                changes[number],
            )
        )
    return rows


def filter_sites(network: nn.Module, codes: NDArray[np.uint8], device: str = "cpu") -> NDArray[np.float64]:
    """Return the bases at the places that each first-layer filter matches, float64 counts (filters, 4, width).

    A filter matches a place of a window, or of its reverse complement, where its activation is at least `ACTIVE` of
    the largest that it has anywhere in these windows.

    Parameters
    ----------
    network
        As it was trained, see `kipoi_tfb.models.filters.first_layer`.
    codes
        uint8 (windows, length).
    device
        See `kipoi_tfb.models.device.choose_device`.
    """
    layer, batches = _prepared(network, codes, device)
    highest = torch.zeros(layer.n_filters, dtype=torch.float64)
    counts = torch.zeros(layer.n_filters, 4, layer.width, dtype=torch.float64)
    with progress_bar("reading filters", 2 * len(batches)) as advance, torch.inference_mode():
        for one_hot in batches:
            highest = torch.maximum(highest, layer.activations(one_hot).amax((0, 2)).cpu().double())
            advance()
        threshold = torch.where(highest > 0, ACTIVE * highest, torch.inf)
        for one_hot in batches:
            found = layer.activations(one_hot)
            matches = (found >= threshold.to(found)[:, None]).to(found)
            bases = nn.functional.pad(one_hot, (layer.margin, layer.margin))
            places = matches.shape[2]
            for column in range(layer.width):
                some = bases[:, :, column : column + places]
                counts[:, :, column] += torch.einsum("bfp,bap->fa", matches, some).cpu().double()
            advance()
    return counts.numpy()


def filter_influence(
    network: nn.Module, codes: NDArray[np.uint8], columns: Sequence[int] | None = None, device: str = "cpu"
) -> Influence:
    """Return how much the predictions for windows change when each first-layer filter is silenced.

    Parameters
    ----------
    network, codes, device
        As for `filter_sites`.
    columns
        Outputs that are looked at; default all.
    """
    layer, batches = _prepared(network, codes, device, both=False)
    squares, effects, n = torch.zeros(layer.n_filters), [], 0
    with progress_bar("silencing filters", len(batches) * layer.n_filters) as advance, torch.inference_mode():
        for one_hot in batches:
            versions = layer.without_each(one_hot)
            whole = _some(next(versions), columns)
            change = torch.zeros(layer.n_filters, whole.shape[1], dtype=torch.float64)
            for number, logits in enumerate(versions):
                silenced = _some(logits, columns)
                squares[number] += (probability(silenced) - probability(whole)).square().mean(1).sum()
                change[number] = (silenced - whole).double().sum(0)
                advance()
            effects.append(change)
            n += len(one_hot)
    return Influence(squares.double().numpy() / n, torch.stack(effects).sum(0).numpy() / n)


def _prepared(
    network: nn.Module, codes: NDArray[np.uint8], device: str, both: bool = True
) -> tuple[FirstLayer, list[Tensor]]:
    """Return the first layer, and the windows in batches, each with its reverse complement if `both`."""
    if not len(codes):
        raise ConfigError(
            "no window to look at filters with: none of the regions is predicted correctly, or there is none"
        )
    place = choose_device(device)
    layer, n = first_layer(network.to(place)), 2 * batch_size_for(place)
    batches = [to_one_hot(as_tensor(codes[at : at + n], place)) for at in range(0, len(codes), n)]
    return layer, [torch.cat([one, one.flip((1, 2))]) for one in batches] if both else batches


def _some(logits: Tensor, columns: Sequence[int] | None) -> Tensor:
    return (logits if columns is None else logits[:, list(columns)]).cpu()


def _starts(entry: Entry) -> list[Motif]:
    """Return the profiles that the first filters started as; none for an entry whose filters started at random."""
    card = entry.card
    if card.finetuned is not None and card.finetuned.arm == "jaspar":
        return start_profiles(card.tasks, entry.find_base().card.tasks)
    if card.finetuned is not None:
        return _starts(entry.find_base())
    config = card.training.config
    return start_profiles(card.tasks) if getattr(config, "first_layer", "random") == "jaspar" else []


def _changes(entry: Entry, n: int) -> list[float]:
    """Return by how much fine-tuning changed each filter."""
    if entry.card.finetuned is None:
        return [float("nan")] * n
    before, after = (first_filters(entry.card.architecture, one.state_dict()) for one in (entry.find_base(), entry))
    size = np.maximum(np.linalg.norm(before, axis=(1, 2)), 1e-30)
    return (np.linalg.norm(after - before, axis=(1, 2)) / size).tolist()
