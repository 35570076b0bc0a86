"""A tiny synthetic world: six contigs with planted motifs of three TFs, their binding matrix, and zoo entries of it."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kipoi_tfb.models.build import build_network
from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.training.trainer import TrainingResult, train
from kipoi_tfb.zoo.card import DataCard, TrainingCard
from kipoi_tfb.zoo.config import PretrainConfig
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.write import CITATION, write_entry
from tfb_matrix_data.files import locked
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.layout import BindingEvents, EventList, write_events
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.sequence import decode, encode

MOTIFS = {"CTCF": "CCACCAGGGGGCG", "JUND": "GATGACTCATCC", "SP1": "AGGGGCGGGGTA"}
CONTIGS = {"chr13": 320, "chr14": 320, "chr15": 120, "chr16": 60, "chr21": 120, "chr22": 160}
"""Regions per contig; regions of 200 bp, every 250."""

LENGTH, EVERY, CELL_TYPES = 200, 250, ["HepG2", "K562"]
N_AT = {"chr13": 3, "chr21": 5}
"""Contig: the one region there that has an N."""

SHARED_FOLDER = "TFB_TESTS_SHARED"
"""The variable of the environment that says where processes of one run of tests find what one of them made."""

BOUND, AMBIGUOUS, OPEN, CLOSED = 4, 2, 1, 0


@dataclass(frozen=True)
class World:
    """Where the files are, and the truth they were made from.

    Attributes
    ----------
    codes
        uint8 (regions, TFs): what each region is to each TF, the same in all cell types; regions in genome order.
    """

    matrix_path: Path
    genome_path: Path
    codes: NDArray[np.uint8]

    @property
    def matrix(self) -> BindingMatrix:
        return BindingMatrix(self.matrix_path)

    @property
    def genome(self) -> Genome:
        return Genome(self.genome_path)


def make_world(folder: Path, seed: int = 1, blind: str = "") -> World:
    """Write ``genome.fa`` and ``matrix.h5``; the TF `blind` is bound nowhere but on chr22."""
    rng = np.random.default_rng(seed)
    n_regions = sum(CONTIGS.values())
    codes = rng.choice([BOUND, AMBIGUOUS, OPEN], (n_regions, len(MOTIFS)), p=[0.4, 0.15, 0.45])
    codes[::7] = CLOSED
    codes[3] = OPEN  # one of those in N_AT: a candidate to train on, but for its N
    chrom = np.repeat(np.arange(len(CONTIGS)), list(CONTIGS.values()))
    start = np.concatenate([EVERY * np.arange(1, n + 1) for n in CONTIGS.values()])
    if blind:
        column = codes[:, list(MOTIFS).index(blind)]
        column[(column == BOUND) & (chrom != list(CONTIGS).index("chr22"))] = OPEN
    lines = []
    for number, (name, n) in enumerate(CONTIGS.items()):
        bases = rng.integers(0, 4, EVERY * (n + 2), np.uint8)
        for region in np.flatnonzero(chrom == number):
            for tf, motif in enumerate(MOTIFS.values()):
                if codes[region, tf] == BOUND:
                    at = start[region] + 60 * tf + rng.integers(10, 50)
                    bases[at : at + len(motif)] = encode(motif)
        if name in N_AT:
            bases[EVERY * (N_AT[name] + 1) + 100] = 4
        lines += [f">{name}", decode(bases)]
    genome_path = folder / "genome.fa"
    genome_path.write_text("\n".join(lines) + "\n")
    write_events(_events(codes, chrom, start), folder / "matrix.h5")
    return World(folder / "matrix.h5", genome_path, codes)


def half_profiled(world: World, folder: Path, tf: str = "SP1") -> Path:
    """Write the world's matrix, but that a TF was not profiled in HepG2, where nothing is bound anyway; its path."""
    path = Path(shutil.copy(world.matrix_path, folder / "half.h5"))
    with h5py.File(path, "r+") as file:
        file["profiled"][list(MOTIFS).index(tf), CELL_TYPES.index("HepG2")] = False
    return path


def agreed(world: World, path: Path, tf: str, chrom: str) -> int:
    """Write the world's matrix, but that every second region on a chromosome that a TF binds is bound in HepG2 too.

    Returns how many these regions are.
    """
    shutil.copy(world.matrix_path, path)
    with BindingMatrix(world.matrix_path) as matrix:
        on = matrix.regions.on([chrom])
        both = on[matrix.labels([tf], on)[:, 0] == 1][::2]
    with h5py.File(path, "r+") as file:
        bound = file["bound"]
        at = bound["indptr"][list(MOTIFS).index(tf) + 1]
        indptr = bound["indptr"][:]
        indptr[list(MOTIFS).index(tf) + 1 :] += len(both)
        more = {"region": both, "cell_type": np.full(len(both), CELL_TYPES.index("HepG2"))}
        values = {name: np.insert(bound[name][:], at, more[name]) for name in more} | {"indptr": indptr}
        for name, found in values.items():
            kind = bound[name].dtype
            del bound[name]
            bound[name] = found.astype(kind)
    return len(both)


def _events(codes: NDArray, chrom: NDArray, start: NDArray) -> BindingEvents:
    n_regions, n_tfs = codes.shape
    accessible = (codes != CLOSED).all(1)
    return BindingEvents(
        tfs=list(MOTIFS),
        cell_types=CELL_TYPES,
        profiled=np.ones((n_tfs, len(CELL_TYPES)), bool),
        accessible=np.packbits(np.tile(accessible, (len(CELL_TYPES), 1)), axis=1),
        accessible_known=np.ones(len(CELL_TYPES), bool),
        bound=_pairs(codes == BOUND),
        ambiguous=_pairs(codes == AMBIGUOUS),
        region_id=np.arange(n_regions, dtype=np.uint32),
        region_chrom=chrom.astype(np.uint8),
        region_start=start.astype(np.uint32),
        chrom_names=list(CONTIGS),
        attrs={"n_regions": n_regions, "region_length": LENGTH, "assembly": "synthetic", "source": "made by a test"},
    )


def _pairs(where: NDArray[np.bool_]) -> EventList:
    tf, region = np.nonzero(where.T)
    indptr = np.searchsorted(tf, np.arange(where.shape[1] + 1))
    return EventList(indptr.astype(np.int64), region.astype(np.uint32), np.ones(len(tf), np.uint8))


def config(**changes: object) -> PretrainConfig:
    """Return a configuration that learns the planted motifs in seconds."""
    fields = {"name": "tiny", "summary": "Three planted motifs.", "epochs": 2, "batch_size": 64, "learning_rate": 0.003}
    return PretrainConfig.model_validate({**fields, **changes})


@functools.cache
def trained() -> TrainingResult:
    """Train a network on a tiny world, once for all processes of a run of tests: a finished run is taken as it is."""
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder))
        recipe = config(epochs=6)
        data = load_training_data(recipe, world.matrix, world.genome)
        run = Path(os.environ.get(SHARED_FOLDER, folder)) / "trained"
        with locked(run.with_suffix(".lock"), True, "another worker trains the network of the tiny world"):
            run.mkdir(exist_ok=True)
            return train(recipe, data, run, torch.device("cpu"))


def network(seed: int = 0, n_outputs: int = len(MOTIFS)) -> nn.Module:
    """Return an untrained network."""
    torch.manual_seed(seed)
    return build_network("paper-cnn", n_outputs).eval()


def card_fields(**changes: object) -> dict:
    """Return the fields of a card but the weights."""
    recipe = config()
    data = DataCard(
        source="made by a test",
        matrix_sha256="0" * 64,
        assembly="synthetic",
        genome="genome.fa",
        train_chromosomes=("chr13", "chr14", "chr15"),
        validation_chromosomes=("chr21",),
        test_chromosomes=("chr22",),
        excluded_chromosomes=("chr16",),
        n_train=600,
        n_validation=100,
    )
    training = TrainingCard(
        command="made by a test",
        config=recipe,
        best_epoch=0,
        validation_loss=0.5,
        seconds=1.0,
        device="cpu",
        precision="fp32",
        torch=torch.__version__,
        date="2026-01-01",
    )
    fields = {
        "name": "tiny",
        "summary": "Three planted motifs.",
        "architecture": "paper-cnn",
        "tasks": tuple(MOTIFS),
        "data": data,
        "training": training,
        "citation": (CITATION,),
    }
    return {**fields, **changes}


def make_entry(folder: Path, net: nn.Module | None = None, **changes: object) -> Entry:
    """Write an entry, of an untrained network where none is given."""
    return write_entry(folder, network() if net is None else net, card_fields(**changes))
