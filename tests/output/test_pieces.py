"""Pieces: a killed run goes on where it was, ends in the same bytes, and leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from kipoi_tfb.output.pieces import Pieces
from kipoi_tfb.output.table_pieces import _JoinedRows
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from kipoi_tfb.variants.vcf import _JoinedRecords
from tests.entries import VCF, record
from tfb_matrix_data.errors import InputError, LockedError
from tfb_matrix_data.genome import Genome

pytest_plugins = ("tests.entries",)

ENDINGS = [".vcf", ".vcf.gz", ".tsv", ".parquet", ".h5"]
OPTIONS = ScoringOptions(piece_size=10)
N_PIECES = 4


@pytest.fixture(scope="module")
def vcf(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("vcf") / "in.vcf"
    path.write_text(VCF + "".join(record(pos) for pos in range(500, 540)))
    return path


class Stopped(Exception):
    """As if the process had been killed: nobody catches it."""


def stop_after(monkeypatch, n: int, error: BaseException) -> list[int]:
    """Let the network run n times, then raise; return how often it was asked for."""
    calls: list[int] = []
    logits = Predictor.logits

    def counted(self: Predictor, codes: object) -> object:
        if len(calls) >= n:
            raise error
        calls.append(1)
        return logits(self, codes)

    monkeypatch.setattr(Predictor, "logits", counted)
    return calls


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("n_done", [1, 3])
def test_a_resumed_run_ends_in_the_same_bytes(tmp_path, predictor, genome, vcf, ending, n_done):
    (tmp_path / "whole").mkdir()
    whole, output = tmp_path / "whole" / f"out{ending}", tmp_path / f"out{ending}"
    summary = score_variants(predictor, vcf, genome, whole, OPTIONS)
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, n_done, Stopped())
        with pytest.raises(Stopped):
            score_variants(predictor, vcf, genome, output, OPTIONS)
    assert not output.exists()
    assert len(left_over(tmp_path / f"out{ending}.parts")) == n_done + 1  # and run.json
    with pytest.MonkeyPatch.context() as patch:
        calls = stop_after(patch, 99, Stopped())
        resumed = score_variants(predictor, vcf, genome, output, OPTIONS)
    assert len(calls) == N_PIECES - n_done == N_PIECES - resumed.taken_over
    assert output.read_bytes() == whole.read_bytes()
    assert (resumed.status, resumed.flags, resumed.records) == (summary.status, summary.flags, summary.records)
    assert left_over(tmp_path) == sorted({*left_over(tmp_path / "whole"), "whole"})


@pytest.mark.parametrize("threads", [(1, 2), (2, 1)])
def test_a_run_goes_on_with_another_number_of_threads(tmp_path, predictor, genome, vcf, set_threads, threads):
    score_variants(predictor, vcf, genome, tmp_path / "whole.tsv", OPTIONS)
    set_threads(threads[0])
    interrupted(tmp_path, predictor, genome, vcf)
    set_threads(threads[1])
    assert score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS).taken_over == 1
    assert (tmp_path / "out.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()


def test_a_run_does_not_go_on_where_last_bits_differ(tmp_path, predictor, genome, vcf, monkeypatch):
    interrupted(tmp_path, predictor, genome, vcf)
    with monkeypatch.context() as patch:
        patch.setenv("MKL_ENABLE_INSTRUCTIONS", "SSE4_2")  # read when MKL is loaded, so that it is another run's
        with pytest.raises(
            InputError, match=r"another run \(other processor\); .* on the same kind of machine to go on"
        ):
            score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS)
    assert score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS).taken_over == 1


RICH = ScoringOptions(
    piece_size=10, scores=("effect", "diff", "disagreement"), shifts=(20, 20), top=2, columns="kipoi-veff2"
)


@pytest.mark.parametrize(
    ("ending", "options"), [(".vcf.gz", replace(RICH, columns="tfb")), (".tsv", RICH), (".parquet", RICH)]
)
def test_a_resumed_run_with_every_score_ends_in_the_same_bytes(tmp_path, predictor, genome, vcf, ending, options):
    (tmp_path / "whole").mkdir()
    whole, output = tmp_path / "whole" / f"out{ending}", tmp_path / f"out{ending}"
    score_variants(predictor, vcf, genome, whole, options)
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 3, Stopped())  # in the middle of the second piece: two shifts each
        with pytest.raises(Stopped):
            score_variants(predictor, vcf, genome, output, options)
    other = r"other (columns, )?scores, shifts, top\)"
    with pytest.raises(InputError, match=other):
        score_variants(predictor, vcf, genome, output, OPTIONS)
    assert score_variants(predictor, vcf, genome, output, options).taken_over == 1
    assert output.read_bytes() == whole.read_bytes()


def test_the_genome_is_read_in_one_thread(tmp_path, predictor, genome, vcf, monkeypatch):
    threads = set()

    def asked(method):
        def ask(*given):
            threads.add(threading.current_thread())
            return method(*given)

        return ask

    for method in (Genome.windows, Genome.stretches, Genome.letters, Genome.contig):
        monkeypatch.setattr(Genome, method.__name__, asked(method))
    score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS)
    assert threads == {threading.main_thread()}


KILLED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from kipoi_tfb.zoo.entry import open_entry
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.score import ScoringOptions, score_variants
from tfb_matrix_data.genome import Genome
logits = Predictor.logits
calls = []
def slow(self, codes):
    calls.append(1)
    if len(calls) > 2:
        print("ready", flush=True)
        time.sleep(600)
    return logits(self, codes)
Predictor.logits = slow
entry, vcf, genome, output = sys.argv[1:]
score_variants(Predictor([open_entry(entry)]), vcf, Genome(genome), output, ScoringOptions(piece_size=10))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_real_process_that_is_killed(tmp_path, predictor, entry, genome, genome_path, vcf, number):
    output = tmp_path / "out.vcf.gz"
    command = [sys.executable, "-c", KILLED, str(entry.folder), str(vcf), str(genome_path), str(output)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        process.wait()
    assert left_over(tmp_path) == ["out.vcf.gz.parts"]
    n_done = len([name for name in left_over(tmp_path / "out.vcf.gz.parts") if name[0] != "."]) - 1  # and run.json
    # The second was being written while the third was made: Ctrl-C waits for it, nothing else does.
    assert n_done == 2 or (number == signal.SIGKILL and n_done == 1)
    assert score_variants(predictor, vcf, genome, output, OPTIONS).taken_over == n_done
    (tmp_path / "whole").mkdir()
    score_variants(predictor, vcf, genome, tmp_path / "whole" / "out.vcf.gz", OPTIONS)
    assert output.read_bytes() == (tmp_path / "whole" / "out.vcf.gz").read_bytes()


def test_ctrl_c_says_what_stays(tmp_path, predictor, genome, vcf, monkeypatch, caplog):
    stop_after(monkeypatch, 2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS)
    assert "2 finished pieces stay in" in caplog.text and "the same command goes on from there" in caplog.text
    assert left_over(tmp_path) == ["out.tsv.parts"]
    assert not [name for name in left_over(tmp_path / "out.tsv.parts") if name.startswith(".")]


def test_ctrl_c_at_once_keeps_what_an_earlier_run_did(tmp_path, predictor, genome, vcf, monkeypatch):
    interrupted(tmp_path, predictor, genome, vcf)
    monkeypatch.setattr(Pieces, "place", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS)
    assert len(left_over(tmp_path / "out.tsv.parts")) == 2


def test_ctrl_c_before_anything_is_done_leaves_nothing(tmp_path, predictor, genome, vcf, monkeypatch):
    stop_after(monkeypatch, 0, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("where", ["write_piece", "finish"])
def test_no_space_keeps_what_is_done(tmp_path, predictor, genome, vcf, where):
    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    output = tmp_path / "out.vcf"
    with pytest.MonkeyPatch.context() as patch:
        if where == "finish":
            patch.setattr(_JoinedRecords, where, full)
        else:
            stop_after(patch, 2, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(OSError, match="No space left"):
            score_variants(predictor, vcf, genome, output, OPTIONS)
    assert left_over(tmp_path) == ["out.vcf.parts"]
    assert score_variants(predictor, vcf, genome, output, OPTIONS).taken_over == (N_PIECES if where == "finish" else 2)


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".h5"])
def test_pieces_are_joined_while_the_next_are_made(tmp_path, predictor, genome, vcf, ending):
    """And where there is no space for that, what is done is kept."""
    score_variants(predictor, vcf, genome, tmp_path / f"whole{ending}", OPTIONS)
    output, add, made = tmp_path / f"out{ending}", _JoinedRows.add, []

    def full_at_the_third(self: _JoinedRows, piece: Path) -> None:
        made.append(len(list(piece.parent.glob("0*-*"))))
        if len(made) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, piece)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_JoinedRows, "add", full_at_the_third)
        with pytest.raises(OSError, match="No space left"):
            score_variants(predictor, vcf, genome, output, OPTIONS)
    # Of four pieces; the third was there, and no more than one is made while it is joined.
    assert made == [1, 2, 3] and not output.exists()
    left = [name for name in left_over(tmp_path / f"out{ending}.parts") if name != "run.json"]
    assert len(left) == 3 and output.name not in left
    assert score_variants(predictor, vcf, genome, output, OPTIONS).taken_over == 3
    assert output.read_bytes() == (tmp_path / f"whole{ending}").read_bytes()
    assert left_over(tmp_path) == sorted([f"out{ending}", f"whole{ending}"])


def test_an_older_output_stays_until_the_end(tmp_path, predictor, genome, vcf, monkeypatch):
    (tmp_path / "out.tsv").write_text("older")
    stop_after(monkeypatch, 1, Stopped())
    with pytest.raises(Stopped):
        score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS)
    assert (tmp_path / "out.tsv").read_text() == "older"


def interrupted(tmp_path: Path, predictor: Predictor, genome: object, vcf: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 1, Stopped())
        with pytest.raises(Stopped):
            score_variants(predictor, vcf, genome, tmp_path / "out.tsv", OPTIONS)
    return tmp_path / "out.tsv"


def test_pieces_of_another_command_are_refused(tmp_path, predictor, genome, vcf):
    output = interrupted(tmp_path, predictor, genome, vcf)
    with pytest.raises(InputError, match=r"out\.tsv\.parts: holds pieces of another run \(other allele_swap, scores\)"):
        score_variants(
            predictor, vcf, genome, output, ScoringOptions(piece_size=10, allele_swap=True, scores=("effect",))
        )
    assert len(left_over(tmp_path / "out.tsv.parts")) == 2


def test_pieces_of_other_input_are_refused(tmp_path, predictor, genome, vcf):
    output = interrupted(tmp_path, predictor, genome, vcf)
    changed = tmp_path / "changed.vcf"
    changed.write_text(vcf.read_text().replace("\t500\t.", "\t500\tname"))
    with pytest.raises(InputError, match="was made of other input than the file has now; delete"):
        score_variants(predictor, changed, genome, output, OPTIONS)
    assert len(left_over(tmp_path / "out.tsv.parts")) == 2
    assert score_variants(predictor, vcf, genome, output, OPTIONS).taken_over == 1


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "out.tsv.parts").mkdir()
    (tmp_path / "out.tsv.parts" / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="is in the way, and not of this program"), Pieces(tmp_path / "out.tsv", {}):
        pass
    assert left_over(tmp_path / "out.tsv.parts") == ["mine.txt"]


def test_two_runs_do_not_write_the_same(tmp_path):
    with Pieces(tmp_path / "out.tsv", {"a": 1}) as first:
        first.add("x", lambda path: path.write_text("1"))
        told = pytest.raises(
            LockedError, match=r"out\.tsv: another run is writing it now; wait for it.* \(process \d+ on"
        )
        with told, Pieces(tmp_path / "out.tsv", {"a": 1}):
            pass
        assert first.paths[0].read_text() == "1"
        assert json.loads((first.folder / "run.json").read_text()) == {"a": 1}
    assert left_over(tmp_path) == []


def test_a_piece_is_whole_or_not_there(tmp_path):
    def half(path: Path) -> None:
        path.write_text("half")
        raise Stopped

    with pytest.raises(Stopped), Pieces(tmp_path / "out.tsv", {}) as pieces:
        pieces.add("a", lambda path: path.write_text("1"))
        pieces.add("b", half)
    assert left_over(tmp_path / "out.tsv.parts") == ["00000000-a", "run.json"]


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(InputError, match="does not exist; create it first"):
        Pieces(tmp_path / "no" / "out.tsv", {})
