"""A run of the suite, from files to rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.paper.cosines import COSINES, write_cosines
from experiments.paper.fact_rows import read_facts, write_facts
from experiments.paper.facts import FACTS, SLOW
from experiments.paper.figure import BaseSpec, Figure
from experiments.paper.plan import plan, quicker
from experiments.paper.relatives import Relatives
from experiments.paper.results import Results, version_of
from experiments.paper.runner import Outcome, run_cells
from experiments.paper.tf_map import MAP, write_map
from experiments.paper.work import Setting
from experiments.paper.world import PaperWorld, open_world
from kipoi_tfb.models.device import choose_device, choose_precision
from kipoi_tfb.output.workers import Cluster

__all__ = ["Job"]


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
        matrix, work = self.matrix.resolve(), self.work.resolve()  # workers have folders of their own
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
        version = version_of(world.sha)
        results = Results(self.results, version)
        self._run_facts(figures, results, world, relatives, say, slow=False)
        setting = Setting(
            {n: replace(one) for n, one in worlds.items()},
            work / "bases",
            device,
            precision,
            version,
        )
        left = None if minutes is None else max(minutes - (time.monotonic() - started) / 60, 0.0)
        outcome = run_cells(cells, results, setting, cluster, left, say)
        if minutes is None and not outcome.left:
            self._run_facts(figures, results, world, relatives, say, slow=True)
        return replace(outcome, seconds=time.monotonic() - started)

    def _run_facts(
        self,
        figures: Mapping[str, Figure],
        results: Results,
        world: PaperWorld,
        relatives: Relatives,
        say: Callable[[str], None],
        slow: bool,
    ) -> None:
        """Count and compute what needs no cells; what lacks a package here is said, and left for elsewhere.

        What is slow is not done twice by one version; the rest takes seconds.
        """
        for name, figure in figures.items():
            if figure.facts is None or (figure.facts in SLOW) != slow:
                continue
            if slow and read_facts(results.folder, name, results.version):
                continue
            if figure.facts == "similarity":
                write_cosines(relatives.relations, results.folder / COSINES)
                write_map(relatives.relations, results.folder / MAP)
            try:
                facts = FACTS[figure.facts](world, relatives)
            except ImportError as error:
                say(f"{name}: not counted here: {error}")
                continue
            write_facts(results.folder, name, facts, results.version)
            say(f"{name}: counted")
