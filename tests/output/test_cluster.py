"""Pieces made by real worker processes: in order, the same bytes, and no worker's death or failure loses the others."""

from __future__ import annotations

import errno
import importlib
import os
import pickle
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from distributed import LocalCluster

from kipoi_tfb.output.cluster import _Moves, _Remote, piece_maker
from kipoi_tfb.output.pieces import Pieces
from kipoi_tfb.output.workers import Cluster, check_dask
from kipoi_tfb.variants import score
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tests.entries import VCF, record
from tfb_matrix_data.errors import ConfigError, InputError, UnfinishedError

pytest_plugins = ("tests.entries",)


# A module of its own, in a folder of its own: workers must find it, and some packages install theirs as `tests`.
MAKERS = """
import os, signal, time

def write_number(share, number):
    time.sleep(0.05 if number % 2 else 0)  # not ready in the order in which they were sent
    return lambda path: path.write_text(f"{number} by {os.getpid()}")

def tell_halfway(share, number):
    time.sleep(0.6)  # longer than a worker waits before it tells
    share(0.5)
    time.sleep(0.6)
    return lambda path: path.write_text(str(number))

def fail_at(bad, share, number):
    if number in bad:
        raise ValueError(f"no {number}")
    return lambda path: path.write_text(str(number))

def die_once_at(bad, flag, share, number):
    if number == bad and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return lambda path: path.write_text(str(number))
"""


@pytest.fixture(scope="module")
def makers(tmp_path_factory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("makers")
    (folder / "tfb_test_makers.py").write_text(MAKERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("tfb_test_makers")


@pytest.fixture(scope="module")
def cluster(makers) -> Iterator[Cluster]:
    """Two workers behind a scheduler."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as local:
        yield Cluster(scheduler=local.scheduler_address, threads=1)


def make(output: Path, maker, cluster: Cluster | None, n: int = 8) -> list[str]:
    """Make n pieces and return their texts, in the order in which they were ready."""
    ready: list[str] = []
    with Pieces(output, {}) as pieces:
        with piece_maker(pieces, maker, cluster, ready=lambda piece: ready.append(piece.read_text())) as add:
            for number in range(n):
                add(f"{number}", f"chr1:{number}", 1, number)
        assert ready == [path.read_text() for path in pieces.paths]
    return ready


def test_pieces_are_in_order_and_of_several_processes(tmp_path, cluster, makers):
    found = make(tmp_path / "out", makers.write_number, cluster, n=30)
    assert [text.split()[0] for text in found] == [str(number) for number in range(30)]
    processes = {int(text.split()[2]) for text in found}
    assert len(processes) == 2 and os.getpid() not in processes


def test_work_is_told_while_pieces_are_made(tmp_path, cluster, makers):
    moves: list[float] = []
    with Pieces(tmp_path / "out", {}) as pieces:  # noqa: SIM117
        with piece_maker(pieces, makers.tell_halfway, cluster, moves.append) as add:
            for number in range(3):
                add(f"{number}", "chr1", 8192, number)
    assert sum(moves) == pytest.approx(3 * 8192) and min(moves) >= 0
    assert moves.count(4096) >= 4  # of two pieces at least, half was told before the rest


def test_a_piece_that_is_made_again_does_not_move_twice():
    moves: list[float] = []
    heard = _Moves(moves.append)
    heard.begin("a", 100)
    for done in (0.5, 0.25, 0.75, 1.5):  # the second is of another worker
        heard.hear("a", done)
    heard.end("a")
    heard.hear("a", 1.0)  # told late
    assert moves == [50, 0, 25, 25, 0]


def test_a_piece_is_written_while_the_next_is_made(tmp_path):
    made = [threading.Event() for _ in range(3)]

    def maker(share, number):
        made[number].set()

        def write(path):
            if number < 2:
                assert made[number + 1].wait(20)
            path.write_text(str(number))

        return write

    assert make(tmp_path / "out", maker, None, n=3) == ["0", "1", "2"]


@pytest.mark.parametrize("bad", [1, 3])
def test_a_piece_that_cannot_be_written_ends_the_run(tmp_path, bad):
    def maker(share, number):
        def write(path):
            if number == bad:
                raise OSError(errno.ENOSPC, "No space left on device")
            path.write_text(str(number))

        return write

    with pytest.raises(OSError, match="No space left"):
        make(tmp_path / "out", maker, None, n=4)
    kept = sorted(path.name for path in (tmp_path / "out.parts").glob("0*"))
    assert kept == [f"{number:08d}-{number}" for number in range(bad)]


def test_a_killed_worker_costs_only_time(tmp_path, cluster, makers):
    maker = partial(makers.die_once_at, 3, tmp_path / "died")
    assert make(tmp_path / "out", maker, cluster) == [str(number) for number in range(8)]
    assert (tmp_path / "died").exists()


def test_a_failing_piece_does_not_poison_the_rest(tmp_path, cluster, makers):
    with pytest.raises(UnfinishedError) as caught:
        make(tmp_path / "out", partial(makers.fail_at, [2, 5]), cluster)
    lines = str(caught.value).splitlines()
    assert "out: is not written: 2 of 8 pieces failed" in lines[0]
    assert sorted(lines[1:]) == ["  chr1:2: ValueError: no 2", "  chr1:5: ValueError: no 5"]
    kept = sorted(path.name for path in (tmp_path / "out.parts").glob("0*"))
    assert kept == [f"{number:08d}-{number}" for number in (0, 1, 3, 4, 6, 7)]
    # The same again makes what is missing, and only that, whoever makes it.
    found = make(tmp_path / "out", makers.write_number, None)
    assert [text.split()[0] for text in found] == [str(number) for number in range(8)]
    assert [text for text in found if "by" in text] == [found[2], found[5]]
    assert not (tmp_path / "out.parts").exists()


def test_when_all_fail_the_rest_is_not_tried(tmp_path, cluster, makers):
    with pytest.raises(UnfinishedError, match="10 pieces failed, so the rest was not tried"):
        make(tmp_path / "out", partial(makers.fail_at, list(range(100))), cluster, n=100)
    assert not (tmp_path / "out.parts").exists()  # nothing to go on with


def test_no_more_pieces_are_on_their_way_than_workers_can_use(tmp_path, cluster, makers, monkeypatch):
    most = []
    collect = _Remote._collect

    def counted(self) -> None:
        most.append(len(self.waiting))
        collect(self)

    monkeypatch.setattr(_Remote, "_collect", counted)
    make(tmp_path / "out", makers.write_number, cluster, n=20)
    assert 2 <= max(most) <= 4  # of two workers, or of one while the other is started again


def test_no_worker_is_said_once_and_waited_for(tmp_path, makers, monkeypatch, caplog):
    monkeypatch.setattr("kipoi_tfb.output.workers._LOOK", 0.1)
    monkeypatch.setattr("kipoi_tfb.output.workers._SILENT", 0.1)
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as local:
        timer = threading.Timer(1, local.scale, [1])  # some ten waits later
        timer.start()
        found = make(tmp_path / "out", makers.write_number, Cluster(scheduler=local.scheduler_address), n=3)
        timer.join()
    assert [text.split()[0] for text in found] == ["0", "1", "2"]
    assert caplog.text.count("waiting: the scheduler has no workers") == 1


def test_an_error_here_stops_the_run(tmp_path, cluster, makers):
    with pytest.raises(InputError, match="bad line"), Pieces(tmp_path / "out", {}) as pieces:  # noqa: SIM117
        with piece_maker(pieces, makers.write_number, cluster) as add:
            add("0", "chr1", 1, 0)
            raise InputError("in.vcf", "bad line")
    assert list(tmp_path.iterdir()) == []


# Scoring


@pytest.fixture(scope="module")
def vcf(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("vcf") / "in.vcf"
    path.write_text(VCF + "".join(record(pos) for pos in range(500, 560)))
    return path


@pytest.mark.parametrize(("ending", "threads"), [(".vcf.gz", 1), (".tsv", 2), (".parquet", 1)])
def test_the_output_is_that_of_one_process(tmp_path, predictor, genome, vcf, cluster, set_threads, ending, threads):
    set_threads(threads)  # of this process; each worker has one
    options = ScoringOptions(piece_size=7)
    one = score_variants(predictor, vcf, genome, tmp_path / f"one{ending}", options)
    many = score_variants(predictor, vcf, genome, tmp_path / f"many{ending}", options, cluster)
    assert (tmp_path / f"many{ending}").read_bytes() == (tmp_path / f"one{ending}").read_bytes()
    assert (one.alleles, one.status, one.flags) == (many.alleles, many.status, many.flags)


def test_a_failed_run_goes_on_in_one_process(tmp_path, predictor, genome, vcf, cluster, monkeypatch):
    options = ScoringOptions(piece_size=10)
    # Weights that only this process can see: a worker that cannot load them fails.
    monkeypatch.setattr(predictor, "_made_of", ([], *predictor._made_of[1:]))
    with pytest.raises(UnfinishedError, match=r"chr1:500-509 \(10 alleles\): ConfigError"):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", options, cluster)
    assert score_variants(predictor, vcf, genome, tmp_path / "out.tsv", options).alleles == 60


def test_a_worker_that_computes_other_last_bits_is_said(tmp_path, predictor, genome, vcf, cluster, monkeypatch):
    identity = score.numeric_identity
    monkeypatch.setattr(score, "numeric_identity", lambda device: {**identity(device), "torch": "1.13"})
    complaint = r"would compute other last bits than the machine that asks \(torch .* here, 1\.13 there\)"
    with pytest.raises(UnfinishedError, match=complaint):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", ScoringOptions(piece_size=30), cluster)
    assert not (tmp_path / "out.tsv").exists()


def test_a_predictor_travels_as_its_entries(predictor, entry):
    packed = pickle.dumps(predictor)
    assert len(packed) < entry.weights_path.stat().st_size / 2
    codes = np.random.default_rng(0).integers(0, 4, (5, 200), dtype=np.uint8)
    copy = pickle.loads(packed)  # noqa: S301
    assert copy.columns == predictor.columns
    np.testing.assert_array_equal(copy.logits(codes), predictor.logits(codes))


# The command


@pytest.mark.slow
def test_the_command_starts_workers(tfb, tmp_path, vcf):
    rest = ("--models", "ENTRY", "--genome", "GENOME")
    assert tfb("score", str(vcf), *rest, "-o", "one.tsv")[0] == 0
    code, _, err = tfb("score", str(vcf), *rest, "-o", "many.tsv", "--workers", "2")
    assert code == 0 and "60 alleles x 3 TFs" in err
    assert (tmp_path / "many.tsv").read_bytes() == (tmp_path / "one.tsv").read_bytes()


def test_a_scheduler_that_does_not_answer(tfb, vcf, monkeypatch):
    monkeypatch.setattr("kipoi_tfb.output.workers._CONNECT", 0.2)
    rest = ("--models", "ENTRY", "--genome", "GENOME", "-o", "out.tsv")
    code, _, err = tfb("score", str(vcf), *rest, "--scheduler", "tcp://127.0.0.1:1")
    assert code == 1 and "error: no dask scheduler answers at 'tcp://127.0.0.1:1'" in err
    code, _, err = tfb("score", str(vcf), *rest, "--scheduler", "tcp://127.0.0.1:1", "--workers", "2")
    assert code == 2 and "either --workers or --scheduler" in err
    code, _, err = tfb("score", str(vcf), *rest, "--scheduler", "")
    assert code == 2 and "--scheduler is empty" in err


def test_without_dask_the_command_to_install_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"is not installed .*: pip install 'kipoi-tfb\[dask\]'"):
        check_dask()
