"""The command line: exit codes, messages that name the fault and what to do, and nothing half-written."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pyarrow.parquet
import pytest
import typer

from kipoi_tfb import __version__, cli
from kipoi_tfb.prediction.predictor import Predictor
from tests.entries import BED, FASTA, REGIONS, SCORE, SEQUENCES, TFS, VCF, base, record, write_files
from tfb_matrix_data.genome import Genome

pytest_plugins = ("tests.entries",)

TFB = [sys.executable, "-c", "from kipoi_tfb.cli import main; main()"]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the path of every command, by the command line's own list."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


PATHS = list(commands(typer.main.get_command(cli.app)))


# Help


def test_there_are_commands():
    assert {("predict",), ("score",), ("data", "import"), ("zoo", "verify")} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_has_an_example(tfb, path):
    code, out, _ = tfb(*path, "--help")
    assert code == 0
    assert f"Example: tfb {' '.join(path)}" in re.sub(r"\s+", " ", out)


def test_help_is_quick():
    start = time.perf_counter()
    done = subprocess.run([*TFB, "--help"], capture_output=True, text=True, check=True)
    assert "Which transcription factors" in done.stdout
    assert time.perf_counter() - start < 5  # 0.5 s on an idle machine: torch and kipoi alone would double it
    code = "import sys, kipoi_tfb.cli; print({'torch', 'pyarrow', 'cyvcf2', 'kipoi'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_a_module_is_not_hidden_by_its_command(path):
    name = path[0].replace("-", "_")
    module = getattr(cli, name)
    assert isinstance(module, ModuleType) and module.__name__ == f"kipoi_tfb.cli.{name}"


# What works


def test_predict_regions(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": BED})
    code, out, err = tfb(*REGIONS)
    assert (code, out) == (0, "")
    assert "device: cpu" in err and "3 rows x 3 TFs -> out.tsv" in err
    # Unknown windows are said, not only marked.
    assert "windows with unknown bases: 1 (column n_unknown), wholly unknown and not scored: 1" in err
    assert "reaching beyond their contig or sequence: 1" in err
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
    assert rows[0] == ["chrom", "start", "end", "name", "n_unknown", "flags", *TFS]
    assert [row[3:6] for row in rows[1:]] == [
        ["peak", "0", "."],
        ["unknown", "200", "."],
        ["edge", "90", "edge_padded"],
    ]
    assert rows[2][6:] == ["", "", ""] and all(0 < float(value) < 1 for value in rows[1][6:] + rows[3][6:])


def test_predict_the_mean_over_moved_windows(tfb, tmp_path, entry, genome_path):
    write_files(tmp_path, {"in.bed": "chr1\t300\t500\n"})
    code, _, err = tfb(*REGIONS[:-1], "out.parquet", "--shifts", "20")
    assert code == 0 and "1 rows x 3 TFs" in err
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    codes = Genome(genome_path).windows(np.array(["chr1"]), np.array([280]), 240).codes
    wanted = Predictor([entry], shifts=(20, 10)).probability(codes)[0]
    np.testing.assert_allclose([table[tf][0].as_py() for tf in TFS], wanted, rtol=1e-6)
    said = table.schema.metadata[b"tfb_predict"].decode()
    assert "the mean of 5 windows of 200 bp, moved by up to 20 bp, around each centre" in said


def test_predict_regions_off_the_genome(tfb, tmp_path):
    write_files(tmp_path, {"in.bed": BED + "chrQ\t1\t5\nchr1\t1\t9999\n"})
    code, _, err = tfb(*REGIONS)
    assert code == 0 and "5 rows x 3 TFs" in err
    assert "regions not wholly on genome.fa, the first in line 4 (--strict refuses them):" in err
    counts = [line.split()[1:] for line in err.splitlines() if line.startswith("  flags")]
    assert ["unknown_contig", "1"] in counts and len(counts) == 2


def test_predict_sequences_for_some_tfs(tfb, tmp_path):
    write_files(tmp_path, {"in.fa": FASTA})
    code, _, err = tfb(*SEQUENCES, "--tfs", "JUND,ATF4")
    assert code == 0 and "1 rows x 2 TFs" in err and "unknown" not in err
    assert (tmp_path / "out.tsv").read_text().startswith("name\tlength\tn_unknown\tJUND\tATF4\na\t240\t0\t0.")


def test_a_tf_that_is_named_twice_counts_once(tfb, tmp_path):
    write_files(tmp_path, {"in.fa": FASTA})
    code, _, err = tfb(*SEQUENCES, "--tfs", "JUND, ATF4,JUND")
    assert code == 0 and "1 rows x 2 TFs" in err
    assert (tmp_path / "out.tsv").read_text().startswith("name\tlength\tn_unknown\tJUND\tATF4\na\t240\t0\t0.")


def test_score_counts_what_was_not_scored(tfb, tmp_path):
    rows = [record(500), record(500), record(600, "<DEL>,*"), record(610, "."), record(620, chrom="chrX")]
    rows += [record(700, base(700), "A" if base(700) != "A" else "C"), record(800), record(900)]
    write_files(tmp_path, {"in.vcf": VCF + "".join(rows)})
    code, out, err = tfb(*SCORE)
    assert (code, out) == (0, "")
    counts = dict(re.findall(r"^  (?:status|flags) +(\S+) +(\d+)$", err, re.M))
    wanted = {"ok": "4", "symbolic": "2", "unsupported": "2", "ref_mismatch": "1"}
    flags = {"duplicate": "1", "no_alt": "1", "unknown_contig": "1"}
    runs = sum(base(pos) == "A" for pos in (500, 500, 800, 900))  # A>AA
    assert counts == {**wanted, **flags, **({"not_left_normalised": str(runs)} if runs else {})}
    assert "9 alleles x 3 TFs -> out.tsv" in err
    assert len((tmp_path / "out.tsv").read_text().splitlines()) == 10


def test_zoo_verify_and_show(tfb, entry):
    code, out, _ = tfb("zoo", "verify", "ENTRY")
    assert code == 0 and "FAIL" not in out and "golden predictions" in out
    code, out, _ = tfb("zoo", "show", "ENTRY", "--full")
    assert code == 0 and str(entry.folder) in out and "- JUND" in out
    code, out, _ = tfb("zoo", "show", "ENTRY")
    assert code == 0 and out.startswith("tiny\nverdict     none: it is not fine-tuned\n") and str(entry.folder) in out


def test_zoo_ls_fits_the_terminal(tfb, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    full, group = tfb("zoo", "ls")[1], tfb("zoo", "ls", "--group", "tf")[1]
    assert "Binding of 163 TFs from 200 bp of sequence; known motifs on both strands under a dilated" in full
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        found = [tfb("zoo", "ls"), tfb("zoo", "ls", "--group", "tf")]
        for (code, out, _), whole in zip(found, (full, group), strict=True):
            lines = [line for line in out.splitlines() if not line.startswith("against")]
            assert code == 0 and max(map(len, lines)) <= columns and len(out.splitlines()) == len(whole.splitlines())
        assert "no room for " in found[1][2] and "natural" in found[1][1].splitlines()[0]
    monkeypatch.delenv("COLUMNS")


def test_version(tfb):
    assert tfb("--version") == (0, f"tfb {__version__}\n", "")


def test_every_output_is_called_output():
    for path in PATHS:
        command = typer.main.get_command(cli.app)
        for name in path:
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--out" not in options and ("-o" in options) == ("--output" in options), path


@pytest.mark.parametrize("path", [("predict",), ("null",), ("zoo", "show")], ids=" ".join)
def test_entry_and_models_are_said_alike(tfb, path):
    said = [re.sub(r"[\s│]+", " ", tfb(*each, "--help")[1]) for each in (path, ("score",))]
    assert all("Zoo entries or groups of them (`tfb zoo ls`), their" in each for each in said)
    assert "ENTRY" in said[0]


def test_entry_may_be_several_in_all_commands(tfb, tmp_path, entry, other_entry):
    write_files(tmp_path, {"in.fa": FASTA, "in.vcf": VCF + record(500)})
    both = f"{entry.folder}, {other_entry.folder}"
    assert "x 5 TFs" in tfb("predict", both, "--sequences", "in.fa", "-o", "a.tsv")[2]
    assert "x 5 TFs" in tfb("score", "in.vcf", "--models", both, "--genome", "GENOME", "-o", "b.tsv")[2]
    assert tfb("zoo", "show", both)[1].count("verdict  ") == 2


def test_data_info(tfb, dense_path):
    code, out, _ = tfb("data", "info", str(dense_path))
    assert code == 0 and re.search(r"TFs +4\n", out) and "regions      41 of 200 bp" in out


# Usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "ENTRY", "-o", "out.tsv"), "give either --regions"),
        ((*REGIONS, "--sequences", "in.fa"), "give either --regions"),
        (("predict", "ENTRY", "--regions", "in.bed", "-o", "out.tsv"), "--regions needs --genome"),
        (("predict", "ENTRY"), "--output"),
        ((*SEQUENCES, "--shifts", "20"), "--shifts is for --regions"),
        ((*REGIONS, "--shifts", "20,x"), "--shifts is BP or BP,STEP"),
        (("zoo", "verify"), "name an entry, or give --all"),
        (("predikt",), "predikt"),
        ((*SEQUENCES, "--threads", "two"), "--threads"),
    ],
)
def test_wrong_usage_exits_with_2(tfb, tmp_path, arguments, message):
    code, _, err = tfb(*arguments)
    assert code == 2 and message in re.sub(r"[\s│]+", " ", err)
    assert list(tmp_path.iterdir()) == []


# As a process of its own


def test_the_installed_command(tmp_path, entry, genome_path):
    write_files(tmp_path, {"in.bed": BED, "bad.bed": "chr1\t1\n"})
    command = [str(Path(sys.executable).with_name("tfb")), "predict", str(entry.folder), "--genome", str(genome_path)]
    done = subprocess.run(
        [*command, "--regions", "in.bed", "-o", "out.parquet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "contig names differ, reconciled: 1 is chr1" in done.stderr
    done = subprocess.run(
        [*command, "--regions", "bad.bed", "-o", "bad.tsv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("error: bad.bed, line 1: 2 column(s)")
    assert {path.name for path in tmp_path.iterdir()} == {"in.bed", "bad.bed", "out.parquet"}


def heed_ctrl_c():
    """Undo what a shell does to a job that it runs in the background: SIGINT is ignored there, and in its children."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "code", "ending"),
    [
        (signal.SIGINT, 130, ".tsv"),
        (signal.SIGINT, 130, ".h5"),
        (signal.SIGTERM, 143, ".h5"),
        (signal.SIGHUP, 129, ".tsv"),
    ],
)
def test_a_signal_leaves_nothing(tmp_path, entry, genome_path, number, code, ending):
    write_files(tmp_path, {"in.bed": "chr1\t500\t700\n" * 500_000})
    arguments = [
        "predict",
        str(entry.folder),
        "--regions",
        "in.bed",
        "--genome",
        str(genome_path),
        "-o",
        f"out{ending}",
    ]
    process = subprocess.Popen(
        [*TFB, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
    )
    try:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2:  # until the temporary file is there
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["in.bed"]
