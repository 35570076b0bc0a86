"""Figure 9 and Table S4: what networks have learnt, by filters and by contributions; some minutes on one core."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from experiments.paper.cell import Cell
from experiments.paper.fact_rows import Fact
from experiments.paper.one_cell import fine_tuned
from experiments.paper.world import PaperWorld
from kipoi_tfb.finetuning.base_regions import base_regions
from kipoi_tfb.interpretation.attributions import Explainer
from kipoi_tfb.interpretation.discovery import discover
from kipoi_tfb.interpretation.files import About, ReadContributions
from kipoi_tfb.interpretation.filters import filter_influence, filter_sites
from kipoi_tfb.models.logits import probability
from kipoi_tfb.models.run import logits_of
from kipoi_tfb.motifs.jaspar import vertebrate_motifs
from kipoi_tfb.motifs.tomtom import ALIKE, Match, compare_motifs
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.modes import read_modes
from tfb_matrix_data.sequence import one_hot
from tfb_matrix_data.splits import TEST

__all__ = ["filter_facts", "pattern_facts"]

_ENTRY, _TF = "multi50", "JUND"
_LOOKED_AT, _SILENCED, _EXPLAINED, _FINETUNED, _NAMED = 1000, 64, 500, 1000, 5
_CPU = torch.device("cpu")


def filter_facts(world: PaperWorld) -> list[Fact]:
    """Return what the first filters of the multi-model match and matter, and how fine-tuning to JUND refines them."""
    entry = find_entry(_ENTRY)
    network = entry.network().eval()
    codes = _right(network, world, entry.card.tasks, list(range(len(entry.card.tasks))))
    best = _matches(network, codes)
    known = [match for match in best if match is not None and match.q <= ALIKE]
    influence = filter_influence(network, codes[:_SILENCED]).influence
    top = np.argsort(-influence)[:_NAMED].tolist()
    facts = [
        Fact("filters of the multi-model", str(len(best))),
        Fact("filters that match somewhere", str(sum(match is not None for match in best)), len(codes)),
        Fact("filters like a JASPAR profile", str(len(known))),
        Fact("share of filters like a JASPAR profile", f"{len(known) / len(best):.3f}", len(best)),
        Fact("filters that matter most", "; ".join(f"{_named(best[at])} ({influence[at]:.2g})" for at in top)),
    ]
    tuned = _tuned(entry, world)
    own = _right(tuned, world, (_TF,), [0])
    column = entry.card.tasks.index(_TF)
    for what, one, output in (("before", network, column), ("after", tuned, 0)):
        matches = _matches(one, own)
        mattering = np.argsort(-filter_influence(one, own[:_SILENCED], [output]).influence)[:_NAMED].tolist()
        facts += [
            Fact(f"filters like a profile of {_TF}'s binding mode, {what}", str(_of_mode(matches)), len(matches)),
            Fact(f"filters that matter most to {_TF}, {what}", "; ".join(_named(matches[at]) for at in mattering)),
        ]
    return facts


def pattern_facts(world: PaperWorld) -> list[Fact]:
    """Return the patterns that TF-MoDISco finds in DeepLIFT contributions to JUND, and what they are like."""
    entry = find_entry(_ENTRY)
    codes = _right(entry.network().eval(), world, (_TF,), [entry.card.tasks.index(_TF)])[:_EXPLAINED]
    given = Explainer(entry, [_TF])(codes)
    n = np.arange(len(codes))
    held = ReadContributions(
        one_hot(codes, np.int8),
        given.hypothetical[:, 0],
        given.error[:, 0],
        _TF,
        cast(About, None),
        given.output[:, 0],
        given.reference[:, 0],
        n.astype(str),
        np.full(len(n), ""),
        np.full(len(n), ""),
        n,
    )
    found = discover(held, fewest=20)
    facts = [
        Fact(f"{_TF} windows explained", str(len(codes))),
        Fact("largest completeness error", f"{float(np.abs(given.error).max()):.2g}"),
        Fact("patterns", str(len(found.patterns))),
        Fact("patterns like a JASPAR profile", str(sum(pattern.is_known for pattern in found.patterns))),
    ]
    return facts + [
        Fact(f"{one.name}: {one.consensus}", _named(one.matches[0]), len(one.seqlets)) for one in found.patterns
    ]


def _right(network: nn.Module, world: PaperWorld, tfs: tuple[str, ...], outputs: list[int]) -> NDArray[np.uint8]:
    """Return held-out windows that one of the TFs binds and the network says so, in a random order."""
    on = np.flatnonzero(np.isin(world.chromosome, TEST))
    bound = np.stack([world.labels(tf)[on] == 1 for tf in tfs], axis=1)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(bound.any(1)))[:_LOOKED_AT]
    codes = np.array(world.codes[on[rows]])
    predicted = probability(torch.from_numpy(logits_of([network], codes, _CPU)[:, outputs])).numpy() >= 0.5
    return codes[(predicted & bound[rows]).any(1)]


def _matches(network: nn.Module, codes: NDArray[np.uint8]) -> list[Match | None]:
    """Return the JASPAR profile that each filter is most like; None of one that matches nowhere."""
    pfms = filter_sites(network, codes)
    there = [number for number, pfm in enumerate(pfms) if pfm.any()]
    alike = compare_motifs([pfms[number] for number in there], vertebrate_motifs())
    best: list[Match | None] = [None] * len(pfms)
    for row, number in enumerate(there):
        best[number] = alike.best(row)
    return best


def _of_mode(matches: list[Match | None]) -> int:
    """Return how many are like a profile of a TF of the same binding mode."""
    modes = read_modes("derived")
    sure = [match for match in matches if match is not None and match.q <= ALIKE]
    return sum(any(name == _TF or modes.shared(_TF, name) for name in match.motif.tf.split("::")) for match in sure)


def _named(match: Match | None) -> str:
    return "none" if match is None else f"{match.motif.name}, q {match.q:.1g}"


def _tuned(entry: Entry, world: PaperWorld) -> nn.Module:
    """Return the multi-model fine-tuned to JUND as in the paper, chr22 held out."""
    seen = np.flatnonzero(np.isin(world.region, base_regions(entry, world.matrix)))
    cell = Cell("fig9", _TF, "transfer", _ENTRY, _FINETUNED, "chr22")
    return fine_tuned(cell, world, entry, seen, _CPU, "fp32")
