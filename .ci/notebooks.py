"""Notebooks as text: run by a kernel, and made into pages with their outputs and pictures."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbformat import NotebookNode

from kipoi_tfb import __version__

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "notebooks"
KEPT = ROOT / ".notebooks"
"""What running them gave, by their text: a site is built again without running what has not changed."""

_SECONDS = 300  # of one cell
_SHELL = "%%sh\n"


def read(path: Path) -> NotebookNode:
    """Return the notebook of a text."""
    return jupytext.read(path)


def run(path: Path) -> NotebookNode:
    """Return a notebook with its outputs, run in an empty folder by this very Python.

    Raises
    ------
    ValueError
        If its kernel is not installed.
    """
    notebook = read(path)
    # The commands of this very environment, whatever is first on the PATH.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["PYTHONWARNINGS"] = "ignore"
    kernel = notebook.metadata.get("kernelspec", {}).get("name", "python3")
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=_SECONDS, kernel_name=kernel, resources={"metadata": {"path": folder}}
        )
        try:
            return client.execute()
        except NoSuchKernel:
            raise ValueError(f"{path}: its kernel {kernel!r} is not installed; notebooks here are of python3") from None


def outputs_of(path: Path) -> NotebookNode:
    """Return a notebook with its outputs, run only if its text or the package's version is new."""
    digest = hashlib.sha256(path.read_bytes() + __version__.encode()).hexdigest()[:16]
    kept = KEPT / f"{path.stem}-{digest}.ipynb"
    if kept.is_file():
        return nbformat.read(kept, as_version=4)
    notebook = run(path)
    KEPT.mkdir(exist_ok=True)
    for old in KEPT.glob(f"{path.stem}-*.ipynb"):
        old.unlink()
    nbformat.write(notebook, kept)
    return notebook


def page(notebook: NotebookNode, name: str) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and its pictures by their names.

    Parameters
    ----------
    notebook
        With its outputs.
    name
        Of the page, without its ending; pictures begin with it.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        shell = cell.source.startswith(_SHELL)
        parts.append(f"```{'sh' if shell else 'python'}\n{cell.source.removeprefix(_SHELL)}\n```")
        for output in _joined(cell.get("outputs", [])):
            data = output.get("data", {})
            if "image/png" in data:
                file = f"{name}-{len(pictures) + 1}.png"
                pictures[file] = base64.b64decode(data["image/png"])
                parts.append(f"![what the cell above draws]({file})")
            elif text := _text(output):
                parts.append(f"```text\n{text}\n```")
    parts.append(
        f"[This page as a notebook in text]({name}.py); `jupytext --to ipynb {name}.py` makes one for Jupyter."
    )
    return "\n\n".join(parts) + "\n", pictures


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return outputs with what was printed in one piece, wherever it was cut."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream":
            joined[-1] = NotebookNode({**joined[-1], "text": joined[-1].text + output.text})
        else:
            joined.append(output)
    return joined


def _text(output: NotebookNode) -> str:
    """Return what a cell printed or gave, without the codes of colours."""
    text = output.get("text", "") or output.get("data", {}).get("text/plain", "")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).rstrip().replace("```", "'''")
