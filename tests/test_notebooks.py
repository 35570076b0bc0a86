"""The notebooks run as they are, and become pages with what they printed and drew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.scripts import script

pytest.importorskip("nbclient", reason="the extra docs is not installed: pip install -e '.[docs]' -c constraints.txt")

ROOT = Path(__file__).parents[1]
NAMES = ("analyst", "lab", "python_models")
SAID = {
    "analyst": ("104 alleles x 163 TFs -> effects.parquet", "bZIP site lost: MAFG", "3 with details -> report.html"),
    "lab": ("519 rows x 163 TFs -> predicted.parquet", "AUROC 0.98", "519 rows -> regions.html"),
    "python_models": ("<BindingMatrix 2 TFs x 78 regions x 1 cell types>, (78, 2), (78, 200)", "MAFK: AUROC 0.98"),
}
"""What is in each page, of what its cells printed or gave."""


@pytest.fixture(scope="module")
def notebooks():
    """The module that runs them."""
    return script("notebooks")


def test_these_are_all(notebooks):
    assert tuple(sorted(path.stem for path in notebooks.FOLDER.glob("*.py"))) == NAMES
    nav = (ROOT / "mkdocs.yml").read_text()
    assert all(f"notebooks/{name}.md" in nav for name in NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_shows_what_came_of_it(notebooks, name):
    text, pictures = notebooks.page(notebooks.run(notebooks.FOLDER / f"{name}.py"), name)
    for said in SAID[name]:
        assert said in text
    assert list(pictures) == [f"{name}-1.png"] and pictures[f"{name}-1.png"].startswith(b"\x89PNG")
    assert f"![what the cell above draws]({name}-1.png)" in text and "Warning" not in text and "\x1b" not in text
    assert not re.search(r"/(home|root|work|tmp)/", text)  # nobody's folders


def test_outputs_are_kept_until_the_text_changes(notebooks, tmp_path, monkeypatch):
    runs = []
    monkeypatch.setattr(notebooks, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(notebooks, "run", lambda path: runs.append(path) or notebooks.read(path))
    path = tmp_path / "a.py"
    for text in ("# %%\nprint(1)\n", "# %%\nprint(1)\n", "# %%\nprint(2)\n"):
        path.write_text(text)
        assert "print(" in notebooks.outputs_of(path).cells[0].source
    assert len(runs) == 2 and len(list((tmp_path / "kept").iterdir())) == 1


def test_a_page_of_cells_and_outputs(notebooks, tmp_path):
    path = tmp_path / "a.py"
    path.write_text('# %% [markdown]\n# Words.\n\n# %% language="sh"\n# tfb zoo ls\n\n# %%\n1 + 1\n')
    notebook = notebooks.read(path)
    printed = [{"output_type": "stream", "name": "stdout", "text": text} for text in ("cut \x1b[1mof", "f\n")]
    notebook.cells[1].outputs = [notebooks.NotebookNode(each) for each in printed]
    value = {"output_type": "execute_result", "data": {"text/plain": "2"}, "metadata": {}, "execution_count": 1}
    notebook.cells[2].outputs = [notebooks.NotebookNode({**value, "data": notebooks.NotebookNode(value["data"])})]
    text, pictures = notebooks.page(notebook, "a")
    assert text.startswith(
        "Words.\n\n```sh\ntfb zoo ls\n```\n\n```text\ncut off\n```\n\n```python\n1 + 1\n```\n\n```text\n2\n```\n"
    )
    assert pictures == {}


def test_an_unknown_kernel_is_named(notebooks, tmp_path):
    path = tmp_path / "a.py"
    head = "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: R\n#     language: R\n#     name: ir\n# ---\n"
    path.write_text(f"{head}\n# %%\n1\n")
    with pytest.raises(ValueError, match=r"a.py: its kernel 'ir' is not installed; notebooks here are of python3"):
        notebooks.run(path)
