"""`tfb demo`: what it says and draws of two predictions, and of a command that fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kipoi_tfb.cli import demo
from tfb_matrix_data.errors import TfbError

REGIONS = (
    "metadata/ranges/chr\tmetadata/region_start\tmetadata/region_end\tmetadata/name\tpreds/MAFK\tpreds/BACH1\t"
    "preds/POU5F1\tpreds/CTCF\tpreds/SP1\n"
    "chr16\t10\t210\tMAFK\t0.9\t0.8\t0.1\t0.2\t0.3\n"
    "chr16\t410\t610\tMAFK\t0.4\t0.3\t0.1\t0.2\t0.3\n"
    "chr16\t810\t1010\tOCT4\t0.6\t0.1\t0.1\t0.2\t0.3\n"
    "chr16\t1210\t1410\tOCT4\t0.1\t0.1\t0.1\t0.2\t0.3\n"
)
VARIANTS = "".join(
    [
        *(f"metadata/variant/{name}\t" for name in ("chrom", "pos", "id", "ref", "alt")),
        "metadata/status\tpreds/MAFK_ref\tpreds/MAFK_alt\tpreds/MAFK_effect\n",
        *(
            f"chr16\t{100 + i}\t{truth}_{i:02}_{kind}\tA\tC\tok\t0.9\t0.1\t{-4.4 + i}\n"
            for truth in ("MAFK", "OCT4")
            for i, kind in enumerate(demo.KINDS)
        ),
    ]
)


@pytest.fixture
def commands(monkeypatch):
    """Write the tables that kipoi would; give the commands."""
    said: list[list[str]] = []

    def run(command, environment, folder):
        said.append(command)
        if command[0] == "kipoi":
            target = Path(command[-1])
            target.write_text(VARIANTS if target.stem == "variants" else REGIONS)

    monkeypatch.setattr(demo, "_run", run)
    return said


def test_says_what_it_ran_and_what_came_out(commands, tmp_path):
    text = "\n".join(demo.run_demo(tmp_path))
    assert [command[:3] for command in commands] == [
        ["tfb", "zoo", "register"],
        ["kipoi", "predict", "multi163"],
        ["kipoi", "predict", "multi163/variants"],
        ["tfb", "score", commands[3][2]],
        ["tfb", "report", str(tmp_path / "effects.vcf.gz")],
    ]
    assert "$ tfb score EXAMPLE/variants.vcf --genome EXAMPLE/hg19.excerpt.fa.gz" in text
    assert text.splitlines()[-1].startswith(f"report:  {tmp_path / 'report.html'} ")
    assert "learnt from 19 regions that it binds\n(MAFK: 2,839), too few" in text
    assert "$ kipoi predict multi163 --source tfb --dataloader_args intervals_file=EXAMPLE/regions.bed" in text
    assert f"4 rows x 9 columns -> {tmp_path / 'regions.tsv'}" in text
    # Three of the four pairs of a MAFK and an OCT4 peak are in the right order.
    assert "tells 2 MAFK peaks from 2 OCT4 peaks with AUROC 0.750" in text
    lines = [line for line in text.splitlines() if "MAFK_0" in line and "ok" in line]
    assert [line.split()[2] for line in lines[:4]] == [f"MAFK_0{i}_{kind}" for i, kind in enumerate(demo.KINDS)][:4]
    assert not any("OCT4_0" in line for line in text.splitlines())
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "home").is_dir()


def test_a_command_that_fails_is_named_with_the_end_of_its_log(monkeypatch, tmp_path):
    shell = shutil.which("sh")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kipoi").write_text(f"#!{shell}\nfor i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; exit 3\n")
    (tmp_path / "bin" / "kipoi").chmod(0o755)
    monkeypatch.setattr(demo.sys, "executable", str(tmp_path / "bin" / "python"))
    with pytest.raises(TfbError, match=r"`kipoi predict x` failed with exit code 3; .*kipoi.log ends with\nline 2\n"):
        demo._run(["kipoi", "predict", "x"], {}, tmp_path)
