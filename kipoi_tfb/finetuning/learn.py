"""What a fine-tune learns: an arm's network trained with every seed, or its output layer alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.finetuning.arms import ARMS
from kipoi_tfb.finetuning.config import SWEEP
from kipoi_tfb.finetuning.gc_share import take_out_gc
from kipoi_tfb.finetuning.head import (
    PENALTIES_NATURAL,
    Lesson,
    balancing_weights,
    fit_beside_motifs,
    fit_head,
    natural_draw,
)
from kipoi_tfb.finetuning.nearest import Nearest
from kipoi_tfb.finetuning.own_motifs import SPREAD, check_takes_motifs, find_tf_motifs, with_motifs
from kipoi_tfb.finetuning.start import Start, start_network
from kipoi_tfb.finetuning.work import Trained, Work
from kipoi_tfb.training.trainer import EpochRecord, TrainingResult, train
from tfb_matrix_data.errors import DivergedError
from tfb_matrix_data.sampling import balanced_sample, seed_of
from tfb_matrix_data.sequence import gc_content

__all__ = ["fit_output", "train_seeds"]

logger = logging.getLogger(__name__)

_MOST_BOUND = 5000
"""Bound regions in each draw that an output layer is fitted to: more say no more, and take longer."""


def fit_output(work: Work, nearest: Nearest) -> Trained:
    """Fit the output layer alone; of the arm ``motif-head``, one that sees motifs of the TF too.

    The base's own output for the TF is fitted among all regions, at natural prevalence; any other, 1:1.
    """
    config, every = work.config, work.data.every
    motifs = None
    if config.arm == "motif-head":
        check_takes_motifs(work.base.card)
        motifs = find_tf_motifs(config.tf, work.data.training.train, config.seed, config.profiles)

    def seen_of(region: NDArray[np.int64], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        features = work.features(region, codes)
        return features if motifs is None else np.hstack([features, motifs.features(codes)])

    start = start_network("head", work.base, config.tf, work.data.training.train.labels, nearest, config.seed)
    pool, seeds = every["train"], tuple(range(config.seed, config.seed + config.seeds))
    labels, natural = pool.labels[:, 0], config.arm == "head" and nearest.own
    if natural:
        draws = [natural_draw(labels == 1, seed_of(seed, 0), _MOST_BOUND) for seed in seeds]
    else:
        gc = gc_content(pool.codes)
        matched = (np.sort(balanced_sample(labels, gc, seed_of(one, 0), at_most=_MOST_BOUND).regions) for one in seeds)
        draws = [(draw, np.ones(len(draw), np.float32)) for draw in matched]
    drawn = np.unique(np.concatenate([draw for draw, _ in draws]))
    seen = seen_of(pool.region[drawn], pool.codes[drawn])
    lessons = [Lesson(seen[np.searchsorted(drawn, draw)], labels[draw] == 1, weight) for draw, weight in draws]
    validation = every["validation"]
    bound = validation.labels[:, 0] == 1
    balanced = balancing_weights(bound, gc_content(validation.codes))
    judge_by = Lesson(
        seen_of(validation.region, validation.codes),
        bound,
        np.ones(len(bound), np.float32) if natural else balanced,
    )
    head = cast(nn.Linear, start.network.get_submodule("head"))
    before = head.weight.detach().numpy()[0]
    n_features, n_motifs = len(before), 0 if motifs is None else len(motifs.names)
    bias = float(head.bias.item())
    if natural:
        # The base's own, which was raised to 1:1.
        found = fit_head(lessons, judge_by, before, bias - nearest.bias, PENALTIES_NATURAL, balanced)
        found = take_out_gc(found, lessons[0], gc_content(pool.codes[draws[0][0]]), judge_by, balanced)
    elif motifs is None:
        found = fit_head(lessons, judge_by, before, bias)
    else:
        found = fit_beside_motifs(lessons, judge_by, before, bias, motifs.hold)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(found.weight[:, :n_features]))
        head.bias.copy_(torch.from_numpy(found.bias))
    network, card, sizes = start.network, found.card, {}
    if natural:
        card = card.model_copy(update={"prevalence": "natural"})
    if motifs is not None:
        share = found.weight[0, n_features:]
        network, sizes = with_motifs(network, work.base.card, motifs, share), {"own_motifs": n_motifs}
        per_deviation = {name: round(float(value) * SPREAD, 4) for name, value in zip(motifs.names, share, strict=True)}
        card = card.model_copy(update={"motifs": per_deviation})
    kept = "the start" if found.card.penalty is None else f"penalty {found.card.penalty:g}"
    kept += f", less {found.card.gc_share:.0%} of GC content" if found.card.gc_share else ""
    logger.info("head: %s, validation AUPRC %.4f (start %.4f)", kept, found.card.auprc, found.card.start_auprc)
    return Trained(network, config.seed, 0, seeds, found.losses, start.head_from, card, sizes=sizes)


def train_seeds(work: Work, arm: str, nearest: Nearest) -> Trained:
    """Train an arm with every seed; the best is the one with the lowest validation loss.

    With `sweep`, the arm of the entry is first trained with the first seed by several learning rates; the best is that
    of all seeds. Controls have their own.
    """
    config = work.config
    seeds = tuple(range(config.seed, config.seed + config.seeds))
    swept = _sweep(work, arm, nearest) if config.sweep and arm == config.arm else {}
    tried = {rate: loss for rate, loss in swept.items() if loss is not None}
    rate = min(tried, key=tried.__getitem__) if tried else config.rate(arm)
    losses: list[float] = []
    histories: dict[int, Sequence[EpochRecord]] = {}
    best: TrainingResult | None = None
    head_from, filters = None, None
    for seed in seeds:
        start, result = _train_one(work, arm, nearest, seed, rate)
        losses.append(_lowest(result))
        histories[seed] = result.history
        if best is None or losses[-1] < min(losses[:-1]):
            best, filters = result, start.filters
        head_from = start.head_from
    assert best is not None
    network, seed = best.network, seeds[int(np.argmin(losses))]
    return Trained(
        network,
        seed,
        best.best_epoch,
        seeds,
        tuple(losses),
        head_from,
        histories=histories,
        rate=rate,
        swept=swept,
        filters=filters,
    )


def _sweep(work: Work, arm: str, nearest: Nearest) -> dict[float, float | None]:
    """Train the first seed by each of the learning rates; return {rate: lowest validation loss}, None if it diverged.

    Raises
    ------
    DivergedError
        If training diverges by each of them.
    """
    own = work.config.rate(arm)
    rates = [own if factor == 1 else float(f"{own * factor:.3g}") for factor in SWEEP]
    losses: dict[float, float | None] = {}
    for rate in rates:
        try:
            losses[rate] = _lowest(_train_one(work, arm, nearest, work.config.seed, rate)[1])
        except DivergedError as error:
            losses[rate] = None
            logger.warning("learning rate %g of the sweep is lost: %s", rate, error)
    if all(loss is None for loss in losses.values()):
        tried = ", ".join(f"{rate:g}" for rate in rates)
        raise DivergedError(f"{arm}: training diverged by every learning rate of the sweep ({tried}); lower it")
    return losses


def _train_one(work: Work, arm: str, nearest: Nearest, seed: int, rate: float) -> tuple[Start, TrainingResult]:
    """Train one network, or resume it; each seed and learning rate has a folder of its own."""
    config, base, data = work.config, work.base, work.data
    denovo = work.denovo if ARMS[arm].motifs else None
    start = start_network(arm, base, config.tf, data.training.train.labels, nearest, seed, config.head, denovo)
    place = work.folder / (f"{arm}-{seed}" if rate == config.rate(arm) else f"{arm}-{seed}-{rate:g}")
    place.mkdir(exist_ok=True)
    recipe = config.recipe(base.card, arm, seed, rate)
    result = train(recipe, data.training, place, work.device, work.precision, start.network, start.trainable)
    at = (arm, seed, rate, _lowest(result), result.best_epoch + 1)
    logger.info("%s, seed %d, learning rate %g: validation loss %.4f (epoch %d)", *at)
    return start, result


def _lowest(result: TrainingResult) -> float:
    return min(record.validation_loss for record in result.history)
