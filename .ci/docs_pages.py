"""Pages of the site that stand nowhere in docs/: made of the README, of the commands and of the public names."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # mkdocs and tests load this file by its path
import notebooks  # noqa: E402

OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "CHANGELOG.md": "changelog.md",
    "dataloaders/example/README.md": "example.md",
    "CITATION.cff": "CITATION.cff",
    "LICENSE": "LICENSE",
}
"""{file outside of docs/: its name in the site}."""
ROOMS = (
    "kipoi_tfb", "kipoi_tfb.variants", "kipoi_tfb.prediction", "kipoi_tfb.interpretation", "kipoi_tfb.evaluation",
    "kipoi_tfb.finetuning", "kipoi_tfb.training", "kipoi_tfb.report", "kipoi_tfb.zoo", "kipoi_tfb.models",
    "kipoi_tfb.motifs", "kipoi_tfb.output", "tfb_matrix_data",
)  # fmt: skip


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages; called by mkdocs (`hooks` of mkdocs.yml)."""
    pages = {name: site_text(path) for path, name in OUTSIDE.items()}
    pages |= {"reference/commands.md": commands_page(), "reference/names.md": names_page(), **notebook_pages()}
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def notebook_pages() -> dict[str, str | bytes]:
    """Return a page for each notebook with what running it gave, and the pictures; TFB_NOTEBOOKS=no runs none."""
    pages: dict[str, str | bytes] = {}
    found = notebooks.read if os.environ.get("TFB_NOTEBOOKS") == "no" else notebooks.outputs_of
    for path in sorted(notebooks.FOLDER.glob("*.py")):
        text, pictures = notebooks.page(found(path), path.stem)
        pages |= {f"notebooks/{path.stem}.md": text}
        pages |= {f"notebooks/{name}": content for name, content in pictures.items()}
    return pages


def site_text(path: str) -> str:
    """Return the text of a file outside of docs/, with links as they are in the site."""
    text = (ROOT / path).read_text()
    if not path.endswith(".md"):
        return text
    folder = Path(path).parent
    for outside, name in OUTSIDE.items():
        shown = outside.removeprefix(f"{folder}/") if folder != Path() else outside
        text = re.sub(rf"\]\({re.escape(shown)}(#[^)]*)?\)", rf"]({name}\1)", text)
    return text.replace("](docs/", "](")


def commands_page() -> str:
    """Return the reference of the command line, of what each command says of itself."""
    from kipoi_tfb.cli import app

    parts = [
        "# Commands",
        "What `tfb COMMAND --help` says. Exit codes: 0 success, 1 an error, 2 wrong usage, 3 an entry that "
        "`tfb finetune` refuses, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. `tfb --version` prints the version, "
        "`tfb --install-completion` makes Tab complete commands, entries, TFs and chromosomes. Every command takes "
        "`-q/--quiet` (nothing but the output, warnings and errors) and `-v/--verbose` (versions, times, the "
        "traceback of an error). What the words mean: [conventions](../conventions.md).",
    ]
    for path, command in _commands(typer.main.get_command(app), "tfb"):
        parts += [f"## {path}", *_help(command), _table(command)]
    return "\n\n".join(parts) + "\n"


def names_page() -> str:
    """Return the reference of the public names, for mkdocstrings to fill in."""
    parts = [
        "# Public names",
        "What scripts may rely on: the names of `kipoi_tfb`, of each of its rooms, and of `tfb_matrix_data`. Modules "
        "within a room are internal and may move. Which room is for what: [architecture](../architecture.md).",
    ]
    seen: set[int] = set()
    for room in ROOMS:
        face = importlib.import_module(room)
        values = {name: getattr(face, name) for name in sorted(face.__all__)}
        values = {name: value for name, value in values.items() if not isinstance(value, ModuleType)}
        # A name of two faces, such as `evaluate`, stands under the first.
        documented = {name: v for name, v in values.items() if hasattr(v, "__qualname__") and id(v) not in seen}
        parts += [f"## {room}", (face.__doc__ or "").split("\n\n")[0]]
        if other := [name for name in values if name not in documented]:
            parts.append(f"Also: {', '.join(f'`{name}`' for name in other)}.")
        for name, value in documented.items():
            seen.add(id(value))
            parts += [f"### {room}.{name}", f"::: {value.__module__}.{value.__qualname__}"]
    return "\n\n".join(parts) + "\n"


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _commands(child, f"{path} {name}")
    else:
        yield path, command


def _help(command: click.Command) -> list[str]:
    """Return what a command is for, and its examples."""
    lines = (command.help or "").splitlines()
    examples = [line.split(": ", 1)[1] for line in lines if re.match(r"(Example|A track): tfb ", line)]
    words = "\n".join(line for line in lines if not re.match(r"(Example|A track): tfb ", line)).strip()
    return [words, "```\n" + "\n".join(examples) + "\n```"]


def _table(command: click.Command) -> str:
    """Return the arguments and options as a table."""
    rows = ["| | what | default |", "|---|---|---|"]
    for parameter in command.params:
        if parameter.name in ("help", "quiet", "verbose"):  # all have them
            continue
        option = parameter.param_type_name == "option"
        names = ", ".join(parameter.opts) if option else str(parameter.metavar or parameter.name).upper()
        default = parameter.default
        said = "" if default in (None, "", False) or callable(default) else f"`{default}`"
        what = getattr(parameter, "help", None) or ""
        required = "must be given" if parameter.required else said
        rows.append(f"| `{names}` | {_cell(what)} | {required} |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ").replace("{", "&#123;").replace("<", "&lt;")
