"""Cuts and the random variants that pass them: counted by hand, and none that the null was made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.truth import cuts as command
from benchmarks.truth.report import CUT_MARKS, shares
from benchmarks.truth.statistics import group_weights
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants import make_null
from kipoi_tfb.variants.make_null import PER_POSITION, draw_variants
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.null import NULL_FILE, read_null, write_null
from tests import tiny
from tests.entries import lively_network
from tfb_matrix_data.errors import ConfigError

POSITIONS = 150


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory, world: tiny.World) -> Entry:
    """An entry with a null."""
    found = tiny.make_entry(tmp_path_factory.mktemp("zoo") / "tiny", lively_network(0, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_null, "MIN_VARIANTS", 5)
        ((_, null),) = make_null.make_nulls(Predictor([found]), world.matrix, world.genome, None, POSITIONS, 1, "null")
    write_null(null, found.folder / NULL_FILE)
    return found


def run(world: tiny.World, model: Path, doc: Path, *more: str) -> int:
    doc.write_text("before\n{}\nold\n{}\nafter\n".format(*CUT_MARKS))
    arguments = ["--model", str(model), "--matrix", str(world.matrix_path), "--genome", str(world.genome_path)]
    return command.main([*arguments, "--docs", str(doc), "--variants", "600", "--replicates", "20", *more])


def test_the_command_prints_and_writes(
    world: tiny.World, entry: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doc = tmp_path / "doc.md"
    assert run(world, entry.folder, doc) == 0
    out, text = capsys.readouterr().out, doc.read_text()
    assert out.strip() in text and "old" not in text and text.startswith("before\n") and text.endswith("after\n")
    assert "600 random variants on chr21, chr22 (seed 2) at none of the 150 positions of the null" in out
    rows = {line.split(" | ")[0]: line.split(" | ")[1:] for line in out.splitlines() if line.startswith("| `variant")}
    passing = [float(cells[0].split("%")[0]) for cells in rows.values()]
    assert len(passing) == len(command.CUTS) and passing == sorted(passing, reverse=True)
    assert passing[0] == pytest.approx(10, abs=10)  # of 90, by a small null
    assert "| passes | all | SNVs | insertions | deletions | MNVs |" in out


def test_other_variants_are_at_other_positions(world: tiny.World, entry: Entry) -> None:
    null = read_null(entry)
    assert null is not None
    others = command.draw_others(null, world.matrix, world.genome, 200, 601, 2)
    its = draw_variants(world.matrix, world.genome, ["chr21", "chr22"], POSITIONS, 200, 1)
    places = [{*zip(variants.chrom, variants.pos.tolist(), strict=True)} for variants in (others, its)]
    assert len(others) == 601 and len(places[1]) > POSITIONS / 2 and places[0].isdisjoint(places[1])
    assert (others.pos[:600].reshape(-1, PER_POSITION) == others.pos[:600:PER_POSITION, None]).all()


def test_what_is_wrong_is_said(
    world: tiny.World, entry: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    doc = tmp_path / "doc.md"
    assert run(world, entry.folder, doc, "--seed", "1") == 1
    assert "the null was drawn with seed 1, too; choose another" in capsys.readouterr().err
    without = tiny.make_entry(tmp_path / "without")
    assert run(world, without.folder, doc) == 1
    assert "has no null to take percentiles from" in capsys.readouterr().err
    other = tiny.make_world(tmp_path, seed=7)
    null = read_null(entry)
    with pytest.raises(ConfigError, match=r"matrix.h5 is not the matrix that the null was made of \(null\)"):
        command.draw_others(null, other.matrix, other.genome, 200, 60, 2)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        its = draw_variants(world.matrix, world.genome, ["chr22"], 20, 200, 1)
        patch.setattr(command, "draw_variants", lambda *_: its)
        with pytest.raises(ConfigError, match="only 0 of 60 random variants are at other positions than the null's"):
            command.draw_others(null, world.matrix, world.genome, 200, 60, 2)  # type: ignore[arg-type]
    doc.write_text("no marks")
    assert command.main(["--model", "m", "--matrix", "m", "--genome", "g", "--docs", str(doc)]) == 1
    assert f"lacks the lines {CUT_MARKS[0]}" in capsys.readouterr().err


def test_shares_by_hand() -> None:
    hit = np.array([True, True, False, False, False, False])
    weights = group_weights(np.arange(6) // 2, 50)
    value, low, high = command.share(hit, weights)
    assert value == pytest.approx(1 / 3) and low == 0 and 1 / 3 < high <= 1
    assert shares({"a": {"x": (0.5, 0.25, 1)}}) == ["| passes | x |", "|---|---|", "| a | 50.00% (25.00% to 100.00%) |"]


def test_the_lowest_cut_that_few_pass_is_recommended() -> None:
    passing = {
        95: (0.05, 0.04, 0.06),
        99.5: (0.004, 0.003, 0.005),
        99: (0.0099, 0.009, 0.011),
        99.25: (0.008, 0.007, 0.01),
    }
    said = command.recommended(passing)
    assert said.startswith("Recommended: **`variant_percentile >= 99.25`**, the lowest of these whose interval ends at")
    assert said.endswith("it passes 0.80% of random variants (0.70% to 1.00%).")
    assert (
        command.recommended({99: (0.009, 0.008, 0.011)}) == "None of these cuts passes at most 1% of random variants."
    )
