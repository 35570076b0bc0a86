"""A small base of the motif architecture, and entries that were fine-tuned from it: made, not trained."""

from __future__ import annotations

from pathlib import Path

import torch

from kipoi_tfb.architectures import build_network
from kipoi_tfb.card import FinetunedCard
from kipoi_tfb.entry import Entry
from kipoi_tfb.publish import write_entry
from tests import tiny

SIZES = {"filters": 16, "channels": 8, "hidden": 16, "blocks": 1, "members": 2}


def small_base(folder: Path, name: str = "base", architecture: str = "motif-cnn", seed: int = 3) -> Entry:
    """Write a base of the TFs of `tests.tiny` into a zoo."""
    sizes = SIZES if architecture == "motif-cnn" else {}
    torch.manual_seed(seed)
    network = build_network(architecture, 3, sizes=sizes)
    with torch.no_grad():
        for value in network.parameters():  # so that nothing is as a new network starts
            value.add_(torch.randn_like(value) * 0.01)
        network.head.weight.mul_(20)
    return tiny.make_entry(folder / name, network, name=name, architecture=architecture, sizes=sizes)


def contents(entry: Entry) -> dict[str, bytes]:
    """Return {file of an entry: what is in it}."""
    files = (path for path in sorted(entry.folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(entry.folder)): path.read_bytes() for path in files}


def tuned(
    base: Entry,
    name: str,
    seed: int = 0,
    only_head: bool = True,
    network: torch.nn.Module | None = None,
    **changes: object,
) -> Entry:
    """Write an entry beside its base: a network, or another output layer, and with `only_head` nothing else."""
    card = base.card
    torch.manual_seed(seed)
    if network is None:
        network = build_network(card.architecture, 1, sizes=card.sizes)
        if only_head:
            own = {k: v for k, v in network.state_dict().items() if k[:4] == "head"}
            network.load_state_dict({**base.network().state_dict(), **own})
        with torch.no_grad():
            network.head.weight.mul_(20)
    finetuned = FinetunedCard(
        arm="head" if only_head else "everything",
        base_weights_sha256=card.weights.sha256,
        seeds=(0,),
        validation_losses=(0.5,),
        counts={},
    )
    fields = tiny.card_fields(
        name=name,
        architecture=card.architecture,
        sizes=card.sizes,
        tasks=(name.split("/")[-1],),
        base=card.name,
        finetuned=finetuned,
    )
    return write_entry(base.folder.parent / name, network, {**fields, **changes}, base=base)
