"""The suite of the paper on the tiny world: rows as they come, exactly resumed, never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from experiments.paper.__main__ import main
from experiments.paper.figure import FIGURES, read_bases, read_figures
from experiments.paper.job import Job
from experiments.paper.results import COLUMNS, Results, current_rows, read_rows
from experiments.paper.runner import Outcome
from experiments.paper.work import Setting, begin
from experiments.paper.world import open_world
from kipoi_tfb.output.workers import Cluster
from tfb_matrix_data.errors import ConfigError, InputError, LockedError, TfbError
from tfb_matrix_data.files import locked

BASES = """
pair: {most_resolved: 2, epochs: 1, max_regions: 300}
pair-chr22: {most_resolved: 2, epochs: 1, chromosomes: true, max_regions: 300}
cofactors: {relation: cofactors, n: 3, epochs: 1, max_regions: 300}
"""
FIG = """
title: Transfer against training from scratch
groups:
  - {tfs: [SP1, JUND], arms: [transfer, denovo], bases: [pair], most: 40, least: 20}
  - {tfs: [SP1], arms: [transfer], bases: [pair-chr22], most: 40, least: 20, splits: chr22}
  - {tfs: [SP1], arms: [denovo], bases: [pair], sizes: [400], stage: 1}
  - {tfs: [SP1], arms: [transfer], bases: [cofactors], most: 40, stage: 1}
claims:
  - {says: Transfer helps, test: wilcoxon, of: [{arm: transfer}, {arm: denovo}]}
plot: {kind: bases, panels: tf}
"""


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    (folder / "bases.yaml").write_text(BASES)
    (folder / "fig1.yaml").write_text(FIG)
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


def run(world, figures: Path, work: Path, results: Path, **options: object) -> Outcome:
    job = Job(world.matrix_path, world.genome_path, None, results, work, read_bases(figures))
    return job.run(read_figures(figures), **{"device": "cpu", **options})


@pytest.fixture(scope="module")
def done(world, figures, work, tmp_path_factory):
    """Return the folder of a whole run, and what it came to."""
    results = tmp_path_factory.mktemp("results")
    return results, run(world, figures, work, results)


def values(folder: Path) -> dict[tuple[str, ...], tuple[str, str, str]]:
    return {row.key: (row.auprc, row.auprc_chr22, row.reason) for row in read_rows(folder / "fig1.tsv")}


def test_every_cell_has_a_row(done):
    results, outcome = done
    assert (outcome.planned, outcome.before, outcome.added, outcome.left) == (7, 0, 7, 0)
    rows = read_rows(results / "fig1.tsv")
    assert len(rows) == 7
    numbers = [row for row in rows if row.value is not None]
    assert len(numbers) == 5 and all(0.3 < row.value <= 1 for row in numbers)
    transfer = next(row for row in rows if row.tf == "SP1" and row.key[3:5] == ("transfer", "pair"))
    assert transfer.base_tfs.count(",") == 1 and int(transfer.base_regions) > 200
    assert int(transfer.n_train) > 60 and int(transfer.n_test) > 10 and transfer.device == "cpu"
    held_out = next(row for row in rows if row.split == "chr22")
    assert held_out.auprc == "" and float(held_out.auprc_chr22) > 0.3


def test_what_cannot_be_run_has_a_row_with_its_reason(done):
    reasons = {row.base: row.reason for row in read_rows(done[0] / "fig1.tsv") if row.reason}
    assert "bound regions" in reasons["pair"] and "400" not in reasons["pair"].split("bound")[0]
    assert "3 TFs other than SP1 asked for by relation cofactors, but there are only" in reasons["cofactors"]


def test_nothing_is_run_twice(world, figures, work, done):
    before = (done[0] / "fig1.tsv").read_bytes()
    outcome = run(world, figures, work, done[0])
    assert (outcome.before, outcome.added) == (7, 0)
    assert (done[0] / "fig1.tsv").read_bytes() == before


def test_a_cell_gives_the_same_number_again(world, figures, tmp_path, done):
    run(world, figures, tmp_path / "other-work", tmp_path / "again")
    assert values(tmp_path / "again") == values(done[0])


def test_a_killed_run_goes_on(world, figures, work, done, tmp_path):
    whole = (done[0] / "fig1.tsv").read_text()
    lines = whole.splitlines(keepends=True)
    (tmp_path / "fig1.tsv").write_text("".join(lines[:3]) + lines[3][: len(lines[3]) // 2])
    outcome = run(world, figures, work, tmp_path)
    assert (outcome.before, outcome.added) == (2, 5)
    assert values(tmp_path) == values(done[0])
    assert (tmp_path / "fig1.tsv").read_text().startswith("".join(lines[:3]))


def test_a_row_from_another_base_does_not_count(world, figures, work, done, tmp_path):
    rows = read_rows(done[0] / "fig1.tsv")
    results = Results(tmp_path, rows[0].version)
    for row in rows:
        results.add(
            replace(row, base_tfs="CTCF,SP1,GATA1" if row.split == "chr22" else row.base_tfs, auprc_chr22="0.1")
        )
    outcome = run(world, figures, work, tmp_path)
    assert (outcome.before, outcome.added) == (6, 1)
    current, _, _ = current_rows(read_rows(tmp_path / "fig1.tsv"))
    assert len(current) == 7 and next(row for row in current if row.split == "chr22").auprc_chr22 != "0.1"


def test_a_run_ends_in_time(world, figures, work, tmp_path):
    outcome = run(world, figures, work, tmp_path, minutes=0)
    assert outcome.added + outcome.left == 7 and outcome.left >= 1


def test_two_runners_on_the_same_results(world, figures, work, tmp_path):
    with (
        locked(tmp_path / ".lock", wait=False, held="it is"),
        pytest.raises(LockedError, match=r"another run is adding to .*; wait for it, or use another --results"),
    ):
        run(world, figures, work, tmp_path)


def test_rows_of_another_version_are_kept_and_not_mixed(world, figures, work, done, tmp_path, capsys):
    rows = read_rows(done[0] / "fig1.tsv")
    other = Results(tmp_path, "0.0.9+1.deadbeef")
    for row in rows:
        other.add(replace(row, version=other.version, auprc="0.123456" if row.auprc else ""))
    outcome = run(world, figures, work, tmp_path)
    assert (outcome.before, outcome.added) == (0, 7)
    everything = read_rows(tmp_path / "fig1.tsv")
    assert len(everything) == 14
    current, version, others = current_rows(everything)
    assert (len(current), others) == (7, 7) and version == rows[0].version
    assert "0.123456" not in {row.auprc for row in current}
    command = ["table", "fig1", "--results", str(tmp_path), "--figures", str(figures)]
    assert call(command, pytest.MonkeyPatch()) is None
    printed = capsys.readouterr().out
    assert "7 of others left out" in printed and "0.1235" not in printed


def test_a_file_of_other_columns(tmp_path):
    (tmp_path / "fig1.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(InputError, match="has columns a, b; expected figure, tf, cells"):
        read_rows(tmp_path / "fig1.tsv")
    (tmp_path / "fig1.tsv").write_text("\t".join(COLUMNS) + "\nx\ty\n")
    with pytest.raises(InputError, match="line 2: has 2 values; expected"):
        read_rows(tmp_path / "fig1.tsv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[SP1, JUND]", "[SP1, JUNK]"), r"fig1.yaml: unknown TF 'JUNK'. Did you mean JUND"),
        (("[transfer, denovo]", "[transfur]"), r"fig1.yaml: .*unknown arm 'transfur'. Did you mean transfer"),
        (("[pair]", "[pear]"), r"fig1.yaml: unknown base 'pear'. Did you mean pair"),
        (("tfs: [SP1, JUND]", "tfs: most"), r"fig1.yaml: unknown group of TFs 'most'"),
        (("most: 40", "mots: 40"), r"fig1.yaml: field 'groups.0.mots'"),
        (("[pair-chr22], most: 40, least: 20, splits: chr22", "[pair], most: 40"), "have the same cell: SP1"),
    ],
)  # fmt: skip
def test_a_figure_that_asks_for_what_there_is_not(world, work, tmp_path, change, message):
    (tmp_path / "bases.yaml").write_text(BASES)
    (tmp_path / "fig1.yaml").write_text(FIG.replace(*change, 1))
    with pytest.raises(ConfigError, match=message):
        run(world, tmp_path, work, tmp_path / "results")


def test_an_unknown_figure(figures, capsys, monkeypatch):
    assert "unknown figure 'fig12'. Did you mean fig1" in call(
        ["table", "fig12", "--figures", str(figures)], monkeypatch
    )


def call(command: list[str], monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Return what a command ends with."""
    with monkeypatch.context() as patch:
        patch.setattr("sys.argv", ["paper", *command])
        with pytest.raises(SystemExit) as end:
            main()
    return None if end.value.code in (0, None) else str(end.value.code)


def test_status_counts(done, figures, capsys, monkeypatch):
    assert call(["status", "--results", str(done[0]), "--figures", str(figures)], monkeypatch) is None
    assert capsys.readouterr().out.splitlines()[1].split("\t")[:5] == ["fig1", "7", "5", "2", "0"]


def test_status_says_what_is_left(world, figures, work, done, tmp_path, capsys, monkeypatch):
    lines = (done[0] / "fig1.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "fig1.tsv").write_text("".join(lines[:4]))
    files = ["--matrix", str(world.matrix_path), "--genome", str(world.genome_path)]
    command = ["status", "--results", str(tmp_path), "--figures", str(figures), *files]
    assert call([*command, "--work", str(work)], monkeypatch) is None
    assert capsys.readouterr().out.splitlines()[1].split("\t")[-2:] == ["4", "0"]
    assert call([*command, "--work", str(tmp_path / "new")], monkeypatch) is None
    assert int(capsys.readouterr().out.splitlines()[1].split("\t")[-1]) >= 1
    assert call(command[:-2], monkeypatch) == "2"


def test_quick_runs_one_tf(world, figures, work, tmp_path):
    job = Job(world.matrix_path, world.genome_path, None, tmp_path, work, read_bases(figures))
    outcome = job.run(read_figures(figures), device="cpu", quick=True)
    assert outcome.left == 0
    assert len({row.tf for row in read_rows(tmp_path / "fig1.tsv") if row.split == "0" and row.base == "pair"}) <= 2


def test_longer_windows_of_a_whole_genome(world, work, tmp_path):
    """What Figs S8 and S9 need: sequence around the regions, which the published genome file lacks."""
    (tmp_path / "bases.yaml").write_text(BASES)
    (tmp_path / "figS8.yaml").write_text(
        "title: Longer\nlength: 500\nnot_run: no flanks\ngroups:\n"
        "  - {tfs: [SP1], arms: [transfer], bases: [pair], most: 40, least: 20}\n"
    )
    assert run(world, tmp_path, work, tmp_path).planned == 0
    outcome = run(world, tmp_path, work, tmp_path, anyway=True)
    (row,) = read_rows(tmp_path / "figS8.tsv")
    assert outcome.added == 1 and row.value is not None and row.reason == ""
    long = open_world(world.matrix_path, world.genome_path, work, 500)
    assert long.codes.shape[1] == 500 and (long.codes < 4).all()
    own = open_world(world.matrix_path, world.genome_path, work)
    shared = np.isin(own.region, long.region)
    assert (own.codes[shared] == long.codes[:, 150:350]).all()


@pytest.mark.slow
def test_workers_give_the_same_numbers(world, figures, work, done, tmp_path):
    outcome = run(world, figures, work, tmp_path, cluster=Cluster(workers=2))
    assert outcome.left == 0 and values(tmp_path) == values(done[0])


@pytest.mark.slow
def test_a_scheduler_s_workers_make_bases_and_cells(world, figures, done, tmp_path):
    with scheduled() as cluster:
        outcome = run(world, figures, tmp_path / "work", tmp_path, cluster=cluster)
        assert (outcome.added, outcome.left) == (7, 0) and values(tmp_path) == values(done[0])
        assert len(list((tmp_path / "work" / "bases").glob("*/weights.pt"))) == 2
        lines = (tmp_path / "fig1.tsv").read_text().splitlines(keepends=True)
        (tmp_path / "fig1.tsv").write_text("".join(lines[:4]))
        assert run(world, figures, tmp_path / "work", tmp_path, cluster=cluster).added == 4
    assert values(tmp_path) == values(done[0])


@pytest.mark.slow
def test_workers_that_lack_the_folders_end_the_run(world, figures, tmp_path, monkeypatch):
    def elsewhere(setting: Setting) -> Setting:
        return replace(setting, worlds={None: replace(setting.worlds[None], folder=tmp_path / "not-there")})

    monkeypatch.setattr("experiments.paper.job.Setting", lambda *given: elsewhere(Setting(*given)))
    said = r"a worker could not begin: .* has no .*not-there: workers need --work .* run the same again, it goes on"
    with scheduled() as cluster, pytest.raises(TfbError, match=said):
        run(world, figures, tmp_path / "work", tmp_path, cluster=cluster)


@contextmanager
def scheduled() -> Iterator[Cluster]:
    """Give a scheduler with a worker, on this machine alone."""
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as local:
        yield Cluster(scheduler=local.scheduler_address, threads=1)


def test_a_worker_of_another_version_does_not_begin(world, work):
    own = open_world(world.matrix_path, world.genome_path, work)
    with pytest.raises(ConfigError, match=r"has version .*, this run is of 0\.0\.9"):
        begin(Setting({None: own}, work / "bases", "cpu", "fp32", "0.0.9+1.deadbeef"))


def test_no_scheduler_answers(world, figures, work, tmp_path, monkeypatch):
    monkeypatch.setattr("kipoi_tfb.output.workers._CONNECT", 0.2)
    with pytest.raises(ConfigError, match=r"no dask scheduler answers at 'tcp://127\.0\.0\.1:1'"):
        run(world, figures, work, tmp_path, cluster=Cluster(scheduler="tcp://127.0.0.1:1"))


def test_the_figures_of_the_paper_are_whole():
    figures = read_figures()
    mains = {f"fig{number}" for number in range(2, 10)}
    assert mains <= figures.keys()
    assert all(figure.groups or figure.facts or figure.rows_of or figure.not_run for figure in figures.values())
    assert all(figure.claims or figure.not_run or figure.facts or figure.groups for figure in figures.values())
    assert read_bases(FIGURES)["multi50"].most_resolved == 50


def test_no_figures_at_all(tmp_path):
    with pytest.raises(InputError, match=r"bases.yaml: no such file"):
        read_figures(tmp_path)
