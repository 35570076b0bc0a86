"""A model per TF: which TFs have enough, one call after the other, and what becomes of each."""

from __future__ import annotations

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kipoi_tfb.evaluation.open import open_scorer
from kipoi_tfb.evaluation.scorers import GroupScorer, NetworkScorer
from kipoi_tfb.finetuning import controls, group, learn, verdict
from kipoi_tfb.finetuning.config import make_config
from kipoi_tfb.finetuning.group import LEFT_OUT_FILE, GroupRun, TfCount, count_bound, finetune_group, whole_regions
from kipoi_tfb.finetuning.job import _put_back, alone_in, finetune, finished
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.zoo.find import find_entries, refused_in
from kipoi_tfb.zoo.finetuned_card import ControlCard, FinetunedCard, GateCard
from kipoi_tfb.zoo.table import summary
from kipoi_tfb.zoo.write import write_entry
from tests import tiny
from tests.entries import run_tfb
from tests.tuned import contents, small_base
from tfb_matrix_data.errors import ConfigError, LockedError, UnknownNameError

TFS = list(tiny.MOTIFS)


@pytest.fixture
def run(world, tmp_path) -> GroupRun:
    base = small_base(tmp_path)
    config = make_config(tf="all", base=str(base.folder), arm="head", seeds=2)
    out = tmp_path / "out"
    return GroupRun(config, "tf", world.matrix_path, world.genome_path, out, ("base",), "cpu", "fp32", replicates=20)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A verdict that is known, and no seconds for motifs."""
    verdicts = {"CTCF": "accepted", "JUND": "accepted with note", "SP1": "refused"}

    def judge(evaluation, entry, *others):
        found = verdict.judge(evaluation, entry, *others)
        return found.model_copy(update={"verdict": verdicts[entry.split("/")[1]]})

    monkeypatch.setitem(finetune.__globals__, "judge", judge)

    def guess(tfs, codes, labels, seed, name):
        return NetworkScorer(name, tuple(tfs), lambda windows: windows[:, :1].astype(np.float32))

    monkeypatch.setattr(controls, "denovo_scorer", guess)


def counts_of(world) -> list[TfCount]:
    return count_bound(world.matrix, whole_regions(world.matrix, world.genome)[0])


def go(run, world, min_bound=50, jobs=1):
    return {outcome.tf: outcome for outcome in finetune_group(run, counts_of(world), min_bound, jobs)}


def test_counts_are_of_whole_windows_by_use(world):
    chrom = np.repeat(list(tiny.CONTIGS), list(tiny.CONTIGS.values()))
    whole = np.ones(len(chrom), bool)
    for name, at in tiny.N_AT.items():
        whole[np.flatnonzero(chrom == name)[at]] = False
    uses = (["chr13", "chr14", "chr15"], ["chr21"], ["chr22"])  # chr16 has none
    for tf, found in enumerate(counts_of(world)):
        bound = (world.codes[:, tf] == tiny.BOUND) & whole
        expected = [int(bound[np.isin(chrom, use)].sum()) for use in uses]
        assert [found.train, found.validation, found.test] == expected and found.total == sum(expected)
    assert [count.tf for count in count_bound(world.matrix, np.arange(9), tfs=["SP1", "CTCF"])] == ["SP1", "CTCF"]
    with pytest.raises(UnknownNameError, match="unknown TF 'SP2'"):
        count_bound(world.matrix, np.arange(9), tfs=["SP2"])


@pytest.mark.parametrize(
    ("count", "why"),
    [
        (TfCount("A", 240, 5, 4), "249 bound regions, at least 250 are wanted"),
        (TfCount("A", 300, 2, 9), "2 bound regions for validation, at least 3 are needed"),
        (TfCount("A", 300, 3, 4), "4 bound regions for test, at least 5 are needed"),
        (TfCount("A", 300, 3, 5), ""),
    ],
)
def test_what_is_too_few(count, why):
    assert count.lacks(250) == why


def test_a_group_and_what_becomes_of_it(run, world):
    found = go(run, world)
    assert {tf: outcome.verdict for tf, outcome in found.items()} == {
        "CTCF": "accepted", "JUND": "accepted with note", "SP1": "refused",
    }  # fmt: skip
    assert {path.name for path in run.out.iterdir()} == {*TFS, LEFT_OUT_FILE}
    entries = find_entries(str(run.out))
    assert [entry.card.name for entry in entries] == ["tf/CTCF", "tf/JUND"]
    assert [entry.card.name for entry in refused_in(str(run.out))] == ["tf/SP1"]
    gate = entries[0].card.gate
    assert set(gate.not_run) == {"jaspar", "denovo", "scratch"} and "(not run)" in gate.words
    assert Predictor(entries).columns == ["CTCF", "JUND"]
    assert (run.out / LEFT_OUT_FILE).read_text() == "tf\twhy\n"
    scorer = open_scorer(str(run.out), device="cpu")
    assert isinstance(scorer, GroupScorer) and scorer.tfs == ("CTCF", "JUND")
    assert set(scorer.seen_chromosomes) == {"chr13", "chr14", "chr15", "chr21"}


def test_what_is_done_is_left_alone(run, world, monkeypatch):
    go(run, world)
    before = {tf: (run.out / tf).stat().st_mtime_ns for tf in TFS}
    monkeypatch.setattr(group, "finetune", lambda *args: pytest.fail("done again"))
    assert {outcome.verdict for outcome in go(run, world).values()} == {"there already"}
    assert {tf: (run.out / tf).stat().st_mtime_ns for tf in TFS} == before


def test_stopped_and_given_again(run, world, monkeypatch):
    whole, done = go(run, world), []
    weights = {tf: next((run.out / tf).glob("*/weights.pt")).read_bytes() for tf in TFS}
    shutil.rmtree(run.out)

    def stopping(*args):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(args)
        return write_entry(*args)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setitem(finetune.__globals__, "write_entry", stopping)
        go(run, world)
    left = [path.name for path in run.out.glob("*/*")]
    assert len(left) == 1, "one is whole, and of the other there is nothing"
    found = go(run, world)
    assert sorted(outcome.verdict for outcome in found.values())[-1] == "there already" and set(found) == set(whole)
    assert {tf: next((run.out / tf).glob("*/weights.pt")).read_bytes() for tf in TFS} == weights


def test_more_controls_later_without_fitting_again(run, world, monkeypatch):
    go(run, world)
    before = open_entry(run.out / "CTCF" / "entry")
    monkeypatch.setattr(learn, "fit_head", lambda *args: pytest.fail("fitted again"))
    later = GroupRun(
        run.config, "tf", run.matrix, run.genome, run.out, ("base", "jaspar", "denovo"), "cpu", replicates=20
    )
    assert go(later, world)["CTCF"].verdict == "accepted"
    after = open_entry(run.out / "CTCF" / "entry")
    assert after.weights_path.read_bytes() == before.weights_path.read_bytes() and after.golden == before.golden
    assert [control.kind for control in after.card.gate.controls] == ["base", "jaspar", "denovo"]
    assert after.card.gate.controls[0] == before.card.gate.controls[0] and set(after.card.gate.not_run) == {"scratch"}
    assert set(after.card.metrics.baselines) == {control.name for control in after.card.gate.controls}
    scorers = [line.split("\t")[0] for line in (after.folder / "controls.tsv").read_text().splitlines()]
    assert sorted(scorers) == sorted(["scorer", "tf/CTCF", *after.card.metrics.baselines])
    assert not list(run.out.glob("*/.*.part"))
    assert {outcome.verdict for outcome in go(later, world).values()} == {"there already"}


def test_a_verdict_that_changes_moves_the_entry(run, world, monkeypatch):
    go(run, world)
    gate = GateCard(verdict="refused", words="refused: so it is", controls=())
    monkeypatch.setitem(finetune.__globals__, "judge", lambda *_: gate)
    later = GroupRun(run.config, "tf", run.matrix, run.genome, run.out, ("denovo",), "cpu", replicates=20)
    go(later, world)
    assert not (run.out / "CTCF" / "entry").exists() and (run.out / "CTCF" / "refused").is_dir()


def test_killed_while_the_verdict_was_changed(run, world):
    go(run, world)
    folder = run.out / "CTCF"
    (folder / "entry").rename(folder / ".entry.part")
    _put_back(folder)
    assert finished(folder).card.name == "tf/CTCF"
    shutil.copytree(folder / "entry", folder / ".refused.part")  # the new one was in its place already
    _put_back(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["entry"]


def test_one_that_fails_does_not_stop_the_others(run, world, monkeypatch):
    def failing(config, *args):
        if config.tf == "JUND":
            raise ConfigError("there is something about JUND")
        return finetune(config, *args)

    monkeypatch.setattr(group, "finetune", failing)
    found = go(run, world)
    assert found["JUND"].verdict == "failed" and found["SP1"].verdict == "refused"
    assert (run.out / LEFT_OUT_FILE).read_text() == "tf\twhy\nJUND\tthere is something about JUND\n"


def test_tfs_with_too_few_are_said(run, world):
    least = min(count.total for count in counts_of(world))
    found = go(run, world, min_bound=least + 1)
    assert len(found) == 2
    assert f"{least} bound regions, at least {least + 1} are wanted" in (run.out / LEFT_OUT_FILE).read_text()
    with pytest.raises(ConfigError, match=r"no TF has 9999 bound regions; lower --min-bound"):
        go(run, world, min_bound=9999)


def test_names_that_are_none_or_the_same(run, world):
    counts = [TfCount(tf, 500, 50, 50) for tf in ("HMG-I/Y", "HMG:I:Y")]
    with pytest.raises(ConfigError, match="HMG-I/Y and HMG:I:Y would both be HMG-I-Y; leave one of them out"):
        list(finetune_group(run, counts, 50))
    with pytest.raises(ConfigError, match=r"group 'a\\nb': 'a\\nb' is not a name of a zoo entry, a group"):
        list(finetune_group(replace(run, group="a\nb"), counts[:1], 50))


def test_two_that_make_the_same_group(run, world):
    run.out.mkdir()
    with (
        alone_in(run.out),
        pytest.raises(LockedError, match=r"another tfb finetune is writing to .*out; wait for it, or use"),
    ):
        go(run, world)


def test_entries_of_another_base_or_arm_are_not_taken_for_done(run, world, tmp_path):
    go(run, world)
    (tmp_path / "elsewhere").mkdir()
    other = small_base(tmp_path / "elsewhere", seed=8)
    changed = run.config.model_copy(update={"base": str(other.folder)})
    for config, name in ((changed, "tf"), (run.config.model_copy(update={"arm": "conv"}), "tf"), (run.config, "new")):
        again = GroupRun(config, name, run.matrix, run.genome, run.out, ("base",), "cpu")
        with pytest.raises(ConfigError, match=r"is tf/CTCF, made from another base or by another .* another --output"):
            go(again, world)


def test_a_group_by_some_cell_types_without_some_regions(run, world):
    exclude = world.matrix.regions.on(["chr13"])
    fields = {"cell_types": ("K562",), "exclude_base": True}
    some = replace(run, config=run.config.model_copy(update=fields), exclude=exclude)
    left = np.setdiff1d(whole_regions(world.matrix, world.genome)[0], exclude)
    counts = count_bound(world.matrix, left, tfs=["CTCF"], cell_types=["K562"])
    assert counts[0].train == counts_of(world)[0].train - int((world.codes[exclude, 0] == tiny.BOUND).sum())
    (outcome,) = finetune_group(some, counts, 50)
    card = finished(run.out / "CTCF").card
    assert outcome.verdict == "accepted" and card.data.cell_types == card.metrics.cell_types == ("K562",)
    assert card.data.n_excluded == (world.matrix.labels(["CTCF"], exclude) >= 0).sum()
    assert (
        card.data.train_chromosomes == ("chr14", "chr15") and card.finetuned.counts["train"]["bound"] == counts[0].train
    )
    with pytest.raises(ConfigError, match=r"or by another arm or from other regions than this"):
        list(finetune_group(run, counts, 50))


@pytest.mark.slow
def test_several_processes_give_the_same(run, world, monkeypatch):
    monkeypatch.undo()  # they know nothing of what is patched here
    found = go(run, world, jobs=2)
    assert set(found) == set(TFS) and "failed" not in {outcome.verdict for outcome in found.values()}
    together = {tf: contents(finished(run.out / tf)) for tf in TFS}
    shutil.rmtree(run.out)
    before = torch.get_num_threads()
    go(run, world)
    assert {tf: contents(finished(run.out / tf)) for tf in TFS} == together
    assert torch.get_num_threads() == before


# The command


@pytest.fixture
def tfb(monkeypatch, capfd, tmp_path, run):
    """Run `tfb` in an empty folder. (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        valid = {"MATRIX": str(run.matrix), "GENOME": str(run.genome), "BASE": run.config.base}
        return run_tfb(monkeypatch, capfd, [valid.get(each, each) for each in arguments])

    return call


ALL = ("finetune", "--all", "--from-matrix", "MATRIX", "--genome", "GENOME", "--base", "BASE", "--arm", "head", "-o")


def test_command(tfb, tmp_path):
    code, out, err = tfb(*ALL, "out", "--min-bound", "50", "--seeds", "1", "--controls", "base", "--device", "cpu")
    assert code == 0 and out.count("of the same GC content and seen by no model") == 3 and "tfb zoo add out" in err
    assert "1 refused" in err and "1 accepted with note" in err
    code, out, _ = tfb("zoo", "ls", "--group", "out")
    firsts = [line.split()[0] for line in out.splitlines()]
    assert code == 0 and firsts == ["entry", "tf/CTCF", "tf/JUND", "tf/SP1", "against", "against"]
    code, out, _ = tfb("zoo", "ls", "--group", "out", "--markdown")
    header, rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()]
    *rows, _, said, _, natural = rows
    assert natural[0].startswith("against base at natural prevalence: mean AUPRC 0.") and "wins" in natural[0]
    assert len(rows) == 3 and {len(row) for row in rows} == {len(header)} == {len(rule)} and rows[2][-1] == "refused"
    assert said[0].startswith("against base: mean AUPRC 0.") and "over 3 TFs with at least 40" in said[0]
    assert rows[0][header.index("base")].startswith("0.") and rows[0][header.index("from scratch")] == ""
    code, _, err = tfb("finetune", "CTCF", "--from-matrix", "MATRIX", "--genome", "GENOME", "--base", "BASE", "-o",
                       "out/CTCF", "--controls", "base")  # fmt: skip
    assert code == 1 and "out/CTCF/entry was made under another name, from other regions, seeds or base, or by" in err
    (tmp_path / "in.bed").write_text("chr22\t1000\t1200\nchr22\t3000\t3200\n")
    code, _, _ = tfb("predict", "out", "--regions", "in.bed", "--genome", "GENOME", "-o", "p.tsv", "--device", "cpu")
    assert code == 0 and (tmp_path / "p.tsv").read_text().split("\n")[0].split("\t")[-2:] == ["CTCF", "JUND"]
    code, out, _ = tfb("evaluate", "out", "--matrix", "MATRIX", "--genome", "GENOME", "--bootstrap", "0", "--device",
                       "cpu")  # fmt: skip
    assert code == 0 and out.startswith("out on matrix.h5, chr22: macro AUPRC") and "over 2 TFs" in out


def test_command_dry_run(tfb, tmp_path):
    code, out, err = tfb(*ALL, "out", "--dry-run", "--tfs", "JUND,SP1")
    assert code == 0 and out.startswith("tf\ttrain\tvalidation\ttest\ttotal\tleft_out\nJUND\t")
    assert "TFs have enough bound regions" in err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("finetune", "SP1", *ALL[1:], "out"), "name one TF, or give --all"),
        (("finetune", *ALL[2:], "out"), "name one TF, or give --all"),
        ((*ALL, "out", "--name", "x"), "--all goes with --from-matrix, and with --group instead of --name"),
        (("finetune", "--all", "--genome", "GENOME", "--peaks", "x", "-o", "out"), "--all goes with --from-matrix"),
        ((*ALL, "out", "--controls", "base,coin"), "--controls are base, jaspar, denovo, scratch; found 'coin'"),
        ((*ALL, "out", "--controls", ""), "--controls are base, jaspar, denovo, scratch; found none"),
    ],
)
def test_options_that_do_not_go_together(tfb, arguments, message):
    code, _, err = tfb(*arguments)
    assert code == 2 and message in " ".join(err.replace("│", " ").split())


def test_a_learning_rate_for_what_is_not_trained(tfb):
    code, _, err = tfb(*ALL, "out", "--learning-rate", "0.1")
    assert code == 1 and "arm head is fitted, not trained: it has no learning rate" in err


def test_the_summary_by_hand():
    def card(name, auprc, control, outcome, bound):
        data = {"auprc": control, "difference": auprc - control, "low": 0, "high": 0, "outcome": outcome}
        gate = GateCard(verdict="accepted", words="", controls=(ControlCard(kind="base", name="b", **data),))
        counts = {"test": {"bound": bound}}
        finetuned = FinetunedCard(
            arm="head", base_weights_sha256="0" * 64, seeds=(0,), validation_losses=(0.5,), counts=counts
        )
        metrics = SimpleNamespace(auprc=auprc)
        return SimpleNamespace(name=name, gate=gate, finetuned=finetuned, metrics=metrics)

    cards = [card("a", 0.9, 0.8, "win", 40), card("b", 0.7, 0.8, "loss", 41), card("c", 0.1, 0.9, "loss", 39)]
    assert summary(cards) == [
        "against base: mean AUPRC 0.8000 and 0.8000 over 2 TFs with at least 40 bound regions tested; wins 1, ties 0, "
        "losses 1; higher for 1"
    ]
    assert summary(cards[2:]) == []
