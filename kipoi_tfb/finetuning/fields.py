"""What the card of a fine-tuned entry says of how it was made."""

from __future__ import annotations

from typing import Any, Literal

import torch

from kipoi_tfb.finetuning.arms import ARMS
from kipoi_tfb.finetuning.config import FinetuneConfig
from kipoi_tfb.finetuning.work import Trained, Work
from kipoi_tfb.models.first_layer import ChangedMotif
from kipoi_tfb.zoo.card import TrainingCard
from kipoi_tfb.zoo.finetuned_card import ChangedMotifCard, FinetunedCard, SweptCard
from kipoi_tfb.zoo.write import CITATION

__all__ = ["entry_fields", "output_card"]


def entry_fields(work: Work, own: Trained, changed: ChangedMotif | None, where: str, precision: str) -> dict[str, Any]:
    """Return the fields of the card, but for the weights and what is measured.

    Parameters
    ----------
    work, own
        What was asked for, and what was learnt.
    changed
        The motif of the base that changed most, if any could.
    where, precision
        What it was learnt with, in words.
    """
    config, base = work.config, work.base.card
    training = TrainingCard(
        command=work.command,
        config=None if own.head is not None else config.recipe(base, config.arm, own.seed, own.rate),
        best_epoch=own.best_epoch,
        validation_loss=round(own.head.loss if own.head else min(own.losses), 5),
        device=where,
        precision=precision,
        torch=torch.__version__,
        date=work.date,
    )
    return {
        "name": config.entry_name,
        "summary": f"Binding of {config.tf} from {base.window_length} bp of sequence; {_how(work, own)}.",
        "architecture": base.architecture,
        "sizes": {**base.sizes, **own.sizes},
        "members": base.members,
        "window_length": base.window_length,
        "tasks": (config.tf,),
        "base": base.name,
        "data": work.data.card.model_copy(update={"accession": config.source}),
        "training": training,
        "finetuned": _finetuned(work, own, changed),
        "licence": config.licence,
        "citation": (CITATION,),
        **({"authors": config.authors} if config.authors else {}),
    }


def _how(work: Work, own: Trained) -> str:
    """Return how it came from the base, in a few words."""
    config, base = work.config, work.base.card
    if own.head is not None and own.head.prevalence is not None and own.head.penalty is None:
        if own.head.gc_share:
            return f"{base.name}'s own output, less {own.head.gc_share:.0%} of what it says by GC content"
        return f"{base.name}'s own output, which no other output layer was better than"
    return f"fine-tuned from {base.name}: {ARMS[config.arm].what}"


def output_card(config: FinetuneConfig) -> Literal["new"] | None:
    """Return what a card says of where the output layer starts."""
    return "new" if config.head == "new" else None


def _finetuned(work: Work, own: Trained, changed: ChangedMotif | None) -> FinetunedCard:
    swept = (
        SweptCard(learning_rate=rate, validation_loss=None if loss is None else round(loss, 5))
        for rate, loss in own.swept.items()
    )
    return FinetunedCard(
        arm=work.config.arm,
        motif_tf=work.config.motif_tf,
        base_weights_sha256=work.base.card.weights.sha256,
        head_from=own.head_from,
        output=output_card(work.config),
        filters=own.filters,
        seeds=own.seeds,
        validation_losses=tuple(round(loss, 5) for loss in own.losses),
        sweep=tuple(swept) or None,
        counts=work.data.counts,
        head=own.head,
        changed_motif=changed
        and ChangedMotifCard(filter=changed.filter, change=round(changed.change, 4), median=round(changed.median, 4)),
    )
