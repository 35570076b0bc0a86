"""A small base of the motif architecture, and entries that were fine-tuned from it: made, not trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from kipoi_tfb.finetuning.config import make_config
from kipoi_tfb.finetuning.data import FinetuneData
from kipoi_tfb.finetuning.features import FeatureBank
from kipoi_tfb.finetuning.own_motifs import TfMotifs, with_motifs
from kipoi_tfb.finetuning.work import Work
from kipoi_tfb.models.build import build_network
from kipoi_tfb.models.motif_cnn import OwnMotifs
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.finetuned_card import FinetunedCard
from kipoi_tfb.zoo.write import write_entry
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
    network = other_network(base, seed, only_head) if network is None else network
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


def work_of(base: Entry, data: FinetuneData, folder: Path, bank: FeatureBank | None = None, **fields: object) -> Work:
    """Return a fine-tune of SP1, on the CPU, of whatever configuration."""
    config = make_config(**{"tf": "SP1", "base": str(base.folder), "seeds": 1, **fields})
    return Work(config, base, data, folder, torch.device("cpu"), "fp32", "a test", "2026-01-01", None, 0, bank)


def other_network(base: Entry, seed: int = 0, only_head: bool = True) -> torch.nn.Module:
    """Return a network of one output of a base's architecture; with `only_head` its layers are the base's."""
    torch.manual_seed(seed)
    network = build_network(base.card.architecture, 1, sizes=base.card.sizes)
    if only_head:
        own = {k: v for k, v in network.state_dict().items() if k[:4] == "head"}
        network.load_state_dict({**base.network().state_dict(), **own})
    with torch.no_grad():
        network.head.weight.mul_(20)
    return network


def some_motifs(n: int = 3, seed: int = 0) -> TfMotifs:
    """Return motifs of no TF."""
    rng = np.random.default_rng(seed)
    filters = rng.normal(size=(n, 4, OwnMotifs.WIDTH)).astype(np.float32)
    ones = np.ones(n, np.float32)
    return TfMotifs(tuple(map(str, range(n))), filters, mean=15 * ones, scale=ones, hold=ones)


def tuned_with_motifs(base: Entry, name: str, motifs: TfMotifs, seed: int = 0, **changes: object) -> Entry:
    """Write an entry beside its base: another output layer, and motifs beside the base's own."""
    share = np.linspace(0.5, 1, len(motifs.names), dtype=np.float32)
    network = with_motifs(other_network(base, seed), base.card, motifs, share)
    sizes = {**base.card.sizes, "own_motifs": len(motifs.names)}
    return tuned(base, name, network=network, sizes=sizes, **changes)
