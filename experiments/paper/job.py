"""A run of the suite, from files to rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from experiments.paper.bases import open_base
from experiments.paper.cell import Cell
from experiments.paper.cosines import COSINES, write_cosines
from experiments.paper.fact_rows import read_facts, write_facts
from experiments.paper.facts import FACTS, SLOW
from experiments.paper.figure import BaseSpec, Figure
from experiments.paper.plan import plan, quicker
from experiments.paper.relatives import Relatives
from experiments.paper.results import Results, version_of
from experiments.paper.runner import Outcome, run_cells, without_row
from experiments.paper.tf_map import MAP, write_map
from experiments.paper.work import Setting
from experiments.paper.world import PaperWorld, open_world
from kipoi_tfb.models.device import choose_device, choose_precision
from kipoi_tfb.output.workers import Cluster

__all__ = ["Job", "Left"]


@dataclass(frozen=True)
class Left:
    """How many cells of a figure have no row, and how many bases they start from that are not there."""

    cells: int
    bases: int


@dataclass(frozen=True)
class _Planned:
    """What is to be run: of the lengths of windows, the relatives of TFs, the cells, and the version of their rows."""

    worlds: Mapping[int | None, PaperWorld]
    relatives: Relatives
    cells: list[Cell]
    version: str


@dataclass(frozen=True)
class Job:
    """The files of a run.

    Attributes
    ----------
    matrix, genome, string
        What cells are made from; without a table of STRING scores, cells that need one say so.
    results
        Folder of the rows.
    work
        Folder of what is kept between runs: sequences and bases.
    bases
        Specifications by name.
    """

    matrix: Path
    genome: Path
    string: Path | None
    results: Path
    work: Path
    bases: Mapping[str, BaseSpec]

    def run(
        self,
        figures: Mapping[str, Figure],
        cluster: Cluster | None = None,
        device: str = "auto",
        precision: str = "fp32",
        minutes: float | None = None,
        quick: bool = False,
        anyway: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> Outcome:
        """Run the cells of figures that have no row yet; see `experiments.paper.runner.run_cells`."""
        started = time.monotonic()
        if cluster is None or not cluster.scheduler:  # before all else; workers of elsewhere choose for themselves
            choose_precision(precision, choose_device(device))
        planned = self._planned(figures, quick, anyway, say)
        results = Results(self.results, planned.version)
        self._run_facts(figures, results, planned, say, slow=False)
        worlds = {n: replace(one) for n, one in planned.worlds.items()}
        setting = Setting(worlds, self._bases_folder, device, precision, planned.version)
        left = None if minutes is None else max(minutes - (time.monotonic() - started) / 60, 0.0)
        outcome = run_cells(planned.cells, results, setting, cluster, left, say)
        if minutes is None and not outcome.left:
            self._run_facts(figures, results, planned, say, slow=True)
        return replace(outcome, seconds=time.monotonic() - started)

    def left(self, figures: Mapping[str, Figure]) -> dict[str, Left]:
        """Return what a run of figures has to do, by figure; bases that figures share are counted with the first."""
        planned = self._planned(figures, quick=False, anyway=False, say=lambda line: None)
        todo = without_row(planned.cells, Results(self.results, planned.version))
        found, seen = {}, set()
        for name in figures:
            own = [cell for cell in todo if cell.figure == name]
            recipes = {cell.recipe for cell in own if cell.recipe is not None} - seen
            seen |= recipes
            there = [open_base(recipe, planned.worlds[recipe.length], self._bases_folder) for recipe in recipes]
            found[name] = Left(len(own), sum(base is None for base in there))
        return found

    @property
    def _bases_folder(self) -> Path:
        return self.work.resolve() / "bases"  # workers may be started in another folder

    def _planned(
        self, figures: Mapping[str, Figure], quick: bool, anyway: bool, say: Callable[[str], None]
    ) -> _Planned:
        started = time.monotonic()
        matrix, work = self.matrix.resolve(), self.work.resolve()
        world = open_world(matrix, self.genome, work)
        say(f"{time.monotonic() - started:.0f} s: {len(world.region):,} regions have coordinates and no N")
        relatives = Relatives(world.matrix, self.string)
        bases = dict(self.bases)
        if quick:
            n_bound = {tf: int((world.labels(tf) == 1).sum()) for tf in world.matrix.tfs}
            figures, bases = quicker(figures, bases, relatives, n_bound)
        cells = plan([each for each in figures.values() if anyway or not each.not_run], bases, relatives)
        lengths = {cell.length for cell in cells} - {None}
        worlds = {None: world, **{n: open_world(matrix, self.genome, work, n) for n in lengths}}
        say(f"{time.monotonic() - started:.0f} s: {len(cells):,} cells")
        return _Planned(worlds, relatives, cells, version_of(world.sha))

    def _run_facts(
        self,
        figures: Mapping[str, Figure],
        results: Results,
        planned: _Planned,
        say: Callable[[str], None],
        slow: bool,
    ) -> None:
        """Count and compute what needs no cells; what lacks a package here is said, and left for elsewhere.

        What is slow is not done twice by one version; the rest takes seconds.
        """
        if slow:
            torch.set_num_threads(1)  # as for cells: what is trained has the same bits again
        for name, figure in figures.items():
            if figure.facts is None or (figure.facts in SLOW) != slow:
                continue
            if slow and read_facts(results.folder, name, results.version):
                continue
            if figure.facts == "similarity":
                write_cosines(planned.relatives.relations, results.folder / COSINES)
                write_map(planned.relatives.relations, results.folder / MAP)
            try:
                facts = FACTS[figure.facts](planned.worlds[None], planned.relatives)
            except ImportError as error:
                say(f"{name}: not counted here: {error}")
                continue
            write_facts(results.folder, name, facts, results.version)
            say(f"{name}: counted")
