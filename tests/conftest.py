"""Synthetic data that every test module shares, made in code; the real data are read in place or skipped."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from tfb_matrix_data.importers import import_published
from tfb_matrix_data.layout import BindingEvents, EventList, write_events

if TYPE_CHECKING:
    from tests.tiny import World

# Derandomised: the same examples everywhere, no .hypothesis folder; no deadline: the machine may be busy.
settings.register_profile(
    "tfb", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tfb")

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their number: compressed ones hold the time, and pytest-xdist wants the same names everywhere."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def tfb_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every cache goes to a temporary folder; so does what all workers of pytest-xdist share."""
    folder = tmp_path_factory.mktemp("tfb_data")
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFB_DATA", str(folder))
        patch.setenv("TFB_TESTS_SHARED", str(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def one_command_line() -> Iterator[None]:
    """`tfb` is built once for all that run it in this process: parsing its options anew costs more than most tests."""
    import typer.main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The tiny world of `tests.tiny`, made once: its files are read, and never changed."""
    from tests import tiny  # it imports torch, which the tests of the data package do without

    return tiny.make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """Set the number of torch's threads for a test."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Dense:
    """A small dense matrix: what the package must never build, and the reference for what it computes."""

    tfs: list[str]
    cell_types: list[str]
    codes: NDArray[np.uint8] = field(repr=False)
    """(TFs, cell types, regions), 0..4."""
    profiled: NDArray[np.bool_] = field(repr=False)
    accessible: NDArray[np.bool_] = field(repr=False)

    def labels(
        self, tfs: Sequence[str] | None, regions: object, kind: str, cell_types: Sequence[str] | None
    ) -> NDArray[np.int8]:
        """Collapse, then map, one element at a time."""
        sparse = {0: -1, 1: 0, 2: -1, 3: -1, 4: 1}
        less_sparse = {0: -1, 1: 0, 2: 0, 3: 0, 4: 1}
        mapping = {"sparse": sparse, "less_sparse": less_sparse}[kind]
        cells = [self.cell_types.index(c) for c in (self.cell_types if cell_types is None else cell_types)]
        rows = list(range(self.codes.shape[2]) if regions is None else regions)
        names = self.tfs if tfs is None else tfs
        out = np.full((len(rows), len(names)), -9, np.int8)
        for j, tf in enumerate(names):
            for i, region in enumerate(rows):
                out[i, j] = mapping[max((int(self.codes[self.tfs.index(tf), c, region]) for c in cells), default=0)]
        return out

    def events(self, **changes: object) -> BindingEvents:
        """Return the compact form; coordinates for every third region only."""
        n_regions = self.codes.shape[2]
        known = np.arange(0, n_regions, 3)
        fields = {
            "tfs": self.tfs,
            "cell_types": self.cell_types,
            "profiled": self.profiled,
            "accessible": np.packbits(self.accessible, axis=1),
            "accessible_known": np.ones(len(self.cell_types), bool),
            "bound": self._pairs((4,)),
            "ambiguous": self._pairs((2, 3)),
            "region_id": known.astype(np.uint32),
            "region_chrom": (np.arange(len(known)) % 3).astype(np.uint8),
            "region_start": (1000 + 500 * known).astype(np.uint32),
            "chrom_names": ["chr1", "chr16", "chrX"],
            "attrs": {
                "n_regions": n_regions,
                "region_length": 200,
                "assembly": "synthetic",
                "source": "made by a test",
            },
        }
        return BindingEvents(**{**fields, **changes})

    def _pairs(self, wanted: tuple[int, ...]) -> EventList:
        tf, cell, region = np.nonzero(np.isin(self.codes, wanted))
        indptr = np.searchsorted(tf, np.arange(len(self.tfs) + 1))
        return EventList(indptr.astype(np.int64), region.astype(np.uint32), cell.astype(np.uint8))


def _dense(raw: NDArray, profiled: NDArray, accessible: NDArray, tfs: list[str], cell_types: list[str]) -> Dense:
    codes = (raw * accessible[None] * profiled[:, :, None]).astype(np.uint8)
    return Dense(tfs, cell_types, codes, profiled.astype(bool), accessible.astype(bool))


@pytest.fixture(scope="session")
def make_dense() -> Callable[..., Dense]:
    """Build a `Dense` from raw codes 1..4 (TFs, cells, regions), profiled (TFs, cells), accessible (cells, regions)."""
    return _dense


@pytest.fixture(scope="session")
def dense() -> Dense:
    """4 TFs x 3 cell types x 41 regions (41: the last byte of the packed bits is not full); JUND knows one cell."""
    rng = np.random.default_rng(11)
    raw = rng.choice([1, 2, 3, 4], (4, 3, 41), p=[0.4, 0.2, 0.1, 0.3])
    profiled = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1]])
    accessible = rng.random((3, 41)) < 0.6
    return _dense(raw, profiled, accessible, ["ATF4", "CTCF", "JUND", "SP1"], ["B cell", "HeLa-S3", "K562"])


@pytest.fixture(scope="session")
def dense_path(dense: Dense, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of `dense`."""
    path = tmp_path_factory.mktemp("dense") / "matrix.h5"
    write_events(dense.events(), path)
    return path


@pytest.fixture(scope="session")
def write_fasta() -> Callable[..., Path]:
    """Return a function that writes {name: sequence} as FASTA, bgzip where the name ends in .gz."""

    def write(path: Path, contigs: dict[str, str], width: int = 60) -> Path:
        text = ""
        for name, sequence in contigs.items():
            text += f">{name} made by a test\n"
            text += "".join(f"{sequence[i : i + width]}\n" for i in range(0, len(sequence), width))
        with bgzf.open(path, "wt") if path.suffix == ".gz" else open(path, "w") as stream:
            stream.write(text)
        return path

    return write


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data are not here ({SHARED_DATA} does not exist)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_matrix(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public event file, imported once."""
    path = tmp_path_factory.mktemp("real") / "matrix.h5"
    import_published([shared_data / "tf-binding-events.h5"], path)
    return path


@pytest.fixture(scope="session")
def upstream_matrix(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published matrices of five TFs, imported once (some ten seconds)."""
    path = tmp_path_factory.mktemp("upstream") / "matrix.h5"
    import_published([shared_data / "upstream"], path)
    return path


@pytest.fixture
def pipe(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a pipe out of which bytes come, `first` of them alone at first."""
    numbers = itertools.count()

    def make(data: bytes, first: int = 1) -> Path:
        path = tmp_path / f"pipe{next(numbers)}"
        os.mkfifo(path)

        def write() -> None:
            # A reader may stop early, as one who is told that the rest is of no use to him.
            with contextlib.suppress(BrokenPipeError), open(path, "wb", buffering=0) as stream:
                stream.write(data[:first])
                time.sleep(0.02)
                for at in range(first, len(data), 1 << 16):
                    stream.write(data[at : at + (1 << 16)])

        threading.Thread(target=write, daemon=True).start()
        return path

    return make
