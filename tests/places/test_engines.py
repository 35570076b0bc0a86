"""The Dockerfile, the recipe and the workflow, through the tools of .ci/tools.txt: `make places`."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "dataloaders" / "example"
RENDER = """
import sys, rattler_build as rb
recipe = rb.Stage0Recipe.from_file(sys.argv[1])
config = rb.RenderConfig(platform=rb.PlatformConfig(target_platform="linux-64"))
for rendered in recipe.render(rb.VariantConfig(), config):
    made = rendered.recipe.to_dict()
    print(made["package"]["name"], made["build"]["noarch"], len(made["requirements"]["run"]))
"""

pytestmark = pytest.mark.slow


def tool(name: str) -> str:
    """Return the path of a tool; skip where it is not installed."""
    path = shutil.which(name, path=f"{ROOT / '.tools' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if path is None:
        pytest.skip(f"{name} is not installed: make places")
    return path


def test_the_dockerfile_is_clean():
    done = subprocess.run([tool("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_a_dockerfile_that_is_not_is_told(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp && pip install numpy\n")
    done = subprocess.run([tool("hadolint"), tmp_path / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode and "DL3013" in done.stdout


def test_rattler_build_reads_the_recipe():
    python = Path(tool("towncrier")).with_name("python")
    if subprocess.run([python, "-c", "import rattler_build"], capture_output=True, check=False).returncode:
        pytest.skip("rattler_build is not installed: make places")
    command = [python, "-c", RENDER, ROOT / "conda" / "recipe.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    name, kind, needs = done.stdout.split()
    assert (name, kind) == ("kipoi-tfb", "python") and int(needs) > 30


def snakemake(folder: Path, *config: str) -> subprocess.CompletedProcess[str]:
    """Run the workflow on one core, with the `tfb` of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [tool("snakemake"), "--snakefile", ROOT / "workflow" / "Snakefile", "--cores", "1", "--config", *config]
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_snakemake_scores_the_example(tmp_path):
    shutil.copy(EXAMPLE / "variants.vcf", tmp_path / "a b's.vcf")  # a name that a shell would take apart
    given = [f"genome={EXAMPLE / 'hg19.excerpt.fa.gz'}", 'options=["--tfs", "MAFK", "--scores", "impact"]']
    done = snakemake(tmp_path, *given, """vcfs={"first": "a b's.vcf"}""")
    assert done.returncode == 0, done.stderr
    with gzip.open(tmp_path / "scores" / "first.vcf.gz", "rt") as file:
        records = [line for line in file if not line.startswith("#")]
    assert len(records) == 96 and all("TFB_MAFK_impact=" in line for line in records)
    assert (tmp_path / "scores" / "first.vcf.gz.tbi").exists()
    assert "104 alleles x 1 TFs" in (tmp_path / "scores" / "logs" / "first.log").read_text()
    again = snakemake(tmp_path, *given, """vcfs={"first": "a b's.vcf"}""")
    assert again.returncode == 0 and "Nothing to be done" in again.stderr + again.stdout


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (["vcfs={a: a.vcf}"], "the config lacks 'genome'"),
        (["genome=hg38.fa", "vcfs={a: a.vcf}", "ending=bed"], "ending is 'bed'; expected vcf.gz"),
        (["genome=hg38.fa", "vcfs={a: a.vcf}"], "hg38.fa"),
    ],
)
def test_snakemake_says_what_is_missing(tmp_path, config, said):
    (tmp_path / "a.vcf").touch()
    done = snakemake(tmp_path, *config)
    assert done.returncode == 1 and said in done.stderr + done.stdout
