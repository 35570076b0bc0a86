"""What a worker process does: make a base, or run a cell and return its row."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch

from experiments.paper.bases import Base, BaseRecipe, make_base, open_base
from experiments.paper.cell import Cell
from experiments.paper.one_cell import Measured, run_cell
from experiments.paper.results import FAILED, Row, version_of
from experiments.paper.world import PaperWorld
from kipoi_tfb.models.device import choose_device, choose_precision
from tfb_matrix_data.errors import ConfigError

__all__ = ["Setting", "begin", "do_base", "do_cell"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setting:
    """What a worker needs to know.

    Attributes
    ----------
    worlds
        By the length of their windows, None for the regions': folder, the matrix and the matrix's sha256.
    bases
        Folder of the bases.
    device, precision
        See `kipoi_tfb.models.device`; each worker chooses what it has.
    version
        Of the rows.
    """

    worlds: Mapping[int | None, PaperWorld]
    bases: Path
    device: str
    precision: str
    version: str


_setting: Setting | None = None


def begin(setting: Setting) -> None:
    """Set up this process: one thread, and the same bits from the same cell.

    Raises
    ------
    ConfigError
        If it lacks the device or the folders, or is of another version.
    """
    global _setting
    for world in setting.worlds.values():
        for path in (world.folder, world.matrix_path):
            if not path.exists():
                raise ConfigError(f"{platform.node()} has no {path}: workers need --work and --matrix under that path")
        if (own := version_of(world.sha)) != setting.version:
            raise ConfigError(f"{platform.node()} has version {own}, this run is of {setting.version}")
    device = choose_device(setting.device)
    _setting = replace(setting, device=str(device), precision=choose_precision(setting.precision, device))
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True


def _here() -> Setting:
    assert _setting is not None, "begin first"
    return _setting


def do_base(recipe: BaseRecipe) -> str:
    """Make a base; return why not, or an empty text."""
    here = _here()
    try:
        make_base(recipe, here.worlds[recipe.length], here.bases, torch.device(here.device), here.precision)
    except ConfigError as error:
        return str(error)
    except Exception as error:  # a fault in one base must not end the others
        logger.exception("base of %s", ", ".join(recipe.tfs))
        return f"{FAILED}{_in_one_line(error)}"
    return ""


def do_cell(cell: Cell) -> Row:
    """Run a cell; return its row, with a reason where it cannot be run."""
    here = _here()
    started = time.monotonic()
    base = None if cell.recipe is None else _base(cell.recipe)
    measured, reason = None, ""
    try:
        measured = run_cell(cell, here.worlds[cell.length], base, torch.device(here.device), here.precision)
    except ConfigError as error:
        reason = str(error)
    except Exception as error:  # a fault in one cell must not end the others
        logger.exception("cell %s", " ".join(cell.key))
        reason = f"{FAILED}{_in_one_line(error)}"
    return _row(cell, base, measured, reason, time.monotonic() - started, here)


@lru_cache(maxsize=64)
def _base(recipe: BaseRecipe) -> Base | None:
    here = _here()
    return open_base(recipe, here.worlds[recipe.length], here.bases)


def _row(cell: Cell, base: Base | None, measured: Measured | None, reason: str, seconds: float, here: Setting) -> Row:
    auprc = "" if measured is None else f"{measured.auprc:.6f}"
    return Row(
        figure=cell.figure,
        tf=cell.tf,
        cells=",".join(cell.cell_types or ()),
        arm=cell.arm,
        base=cell.base,
        base_tfs="" if base is None else ",".join(base.card.tasks),
        base_regions="" if base is None else str(len(base.regions)),
        n=str(cell.n),
        n_train="" if measured is None else str(measured.n_train),
        n_test="" if measured is None else str(measured.n_test),
        split=cell.split,
        auprc="" if cell.split == "chr22" else auprc,
        auprc_chr22=auprc if cell.split == "chr22" else "",
        seconds=f"{seconds:.2f}",
        version=here.version,
        device=_device_name(here.device),
        reason=reason,
    )


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
