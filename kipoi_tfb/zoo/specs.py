"""An entry's Kipoi files, which name code to run: written from ``templates/``, and what they must say.

Kipoi reads them with a loader that runs what a tag names, so nothing that a card says may become more than a value.
Templates write every value through a filter, and what they give is parsed again and compared with what the card asks
for, before it is written and before Kipoi is told of it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import yaml

from kipoi_tfb.zoo.card import Card
from kipoi_tfb.zoo.plain_yaml import plain_yaml
from tfb_matrix_data.errors import EntryError

__all__ = ["SPECS", "render_spec", "render_specs"]

SPECS = {"model.yaml": "model.yaml.j2", "variants/model.yaml": "variants.yaml.j2"}
"""{file of an entry: its template}: regions and sequences, and variants."""

_EFFECTS = ("ref", "alt", "effect")
_OWN_WORDS = ("trained_on", "training_procedure")
"""Fields of running text, which is the template's; that it is text is all that matters."""
_PLAIN = re.compile(r"[A-Za-z0-9.][A-Za-z0-9 ._,/()+-]*(?:::?[A-Za-z0-9][A-Za-z0-9 ._,/()+-]*)*")

_ESCAPED = str.maketrans({c: f"\\u{ord(c):04x}" for c in "'<>&"})
_RESOLVER, _TEXT = yaml.resolver.Resolver(), "tag:yaml.org,2002:str"


def render_specs(card: Card, folder: Path) -> None:
    """Write the entry's Kipoi files (`SPECS`) from the templates; none of them if one is not what it should be."""
    texts = {target: render_spec(card, target) for target in SPECS}
    (folder / "variants").mkdir(exist_ok=True)
    for target, text in texts.items():
        (folder / target).write_text(text, encoding="utf-8")


def render_spec(card: Card, target: str) -> str:
    """Return one of an entry's Kipoi files (`SPECS`) as the templates give it.

    Raises
    ------
    EntryError
        If it does not say what the card asks for, and that alone: a value of the card would have become structure.
    """
    try:
        text = _templates().get_template(SPECS[target]).render(card=card)
        found = plain_yaml(text)
    except (ValueError, yaml.YAMLError) as error:
        raise EntryError(f"{card.name}: {target} of this card would not be what it should be: {error}") from None
    wanted = _intended(card, target)
    words = found.get("info", {}) if isinstance(found, dict) and isinstance(found.get("info"), dict) else {}
    for name in _OWN_WORDS:
        if isinstance(words.get(name), str):
            wanted["info"][name] = words[name]
    if not _same(found, wanted):
        raise EntryError(
            f"{card.name}: {target} of this card would not say what it should, and Kipoi runs the code that it names; "
            "look for line breaks, quotes or colons in the card's values"
        )
    return text


def _same(found: Any, wanted: Any) -> bool:
    """Whether two values are equal, in kind too, with the keys in one order."""
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and list(found) == list(wanted)
            and all(_same(found[key], value) for key, value in wanted.items())
        )
    if isinstance(wanted, list):
        pairs = zip(found, wanted, strict=False) if isinstance(found, list) else ()
        return isinstance(found, list) and len(found) == len(wanted) and all(_same(a, b) for a, b in pairs)
    return type(found) is type(wanted) and found == wanted


def _intended(card: Card, target: str) -> dict[str, Any]:
    """Return what a Kipoi file must say."""
    variants = target != "model.yaml"
    up = "../" if variants else ""
    window = {"special_type": "DNASeq", "shape": f"(4, {card.window_length})"}
    if variants:
        inputs: dict[str, Any] = {
            allele: {**window, "doc": f"one-hot encoded window with the {allele.upper()} allele"}
            for allele in ("ref", "alt")
        }
        said = {
            "ref": "probability of binding with REF",
            "alt": "probability of binding with ALT",
            "effect": "log odds of binding with ALT minus with REF; positive where ALT strengthens binding",
        }
        docs = {f"{tf}_{what}": f"{tf}: {said[what]}" for what in _EFFECTS for tf in card.tasks}
    else:
        inputs = {"name": "seq", **window, "doc": "one-hot encoded window, rows A C G T, N all zero"}
        docs = {tf: f"probability that {tf} binds the window, both strands averaged" for tf in card.tasks}
    loader = "variants.Variants" if variants else "regions.Regions"
    return {
        "defined_as": "kipoi.model.PyTorchModel",
        "args": {
            "module_class": f"kipoi_tfb.serving.{'VariantModel' if variants else 'RegionModel'}",
            "module_kwargs": {"card": f"{up}card.yaml"},
            "weights": f"{up}{card.weights.file}",
            "auto_use_cuda": True,
        },
        "default_dataloader": {"defined_as": f"kipoi_tfb.dataloaders.{loader}"},
        "info": {
            "authors": [{"name": author} for author in card.authors],
            "name": card.name,
            "version": "1",
            "doc": card.summary,
            "cite_as": "https://doi.org/10.1186/s13059-021-02499-5",
            **dict.fromkeys(_OWN_WORDS),
            "license": card.licence,
            "tags": ["DNA binding"],
        },
        "dependencies": {"conda": ["pytorch"], "pip": ["kipoi-tfb"]},
        "schema": {
            "inputs": inputs,
            "targets": {name: {"shape": "(1, )", "doc": doc} for name, doc in docs.items()},
        },
    }


@cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files("kipoi_tfb.templates"))),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    templates.filters |= {"quoted": _quoted, "scalar": _scalar, "line": _line}
    return templates


def _quoted(text: str) -> str:
    """Return text as YAML in double quotes, ASCII and on one line; it has no quote or bracket of HTML either."""
    astral = re.compile(r"[^\x00-\uffff]")
    parts = zip(astral.split(text), [*astral.findall(text), ""], strict=True)
    written = "".join(json.dumps(part)[1:-1] + (f"\\U{ord(c):08x}" if c else "") for part, c in parts)
    return f'"{written.translate(_ESCAPED)}"'


def _scalar(text: str) -> str:
    """Return text as YAML: as it is where it reads as itself, else in quotes."""
    plain = _PLAIN.fullmatch(text) and not text.endswith(" ")
    # NO and 12 are words of YAML's own, 1e5 is one by its newer version.
    plain = plain and not re.fullmatch(r"[0-9.eE+-]+", text)
    return text if plain and _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT else _quoted(text)


def _line(text: str) -> str:
    """Return text that stands in a paragraph, which a line break would end.

    Raises
    ------
    ValueError
        If it has one.
    """
    if not text.isprintable():
        raise ValueError(f"{text[:80]!r} is not on one line")
    return text
