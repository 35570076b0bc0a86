"""The README of an exported entry: front matter as model hubs read it, then words for people."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import yaml

from kipoi_tfb.zoo.card import Card, MetricsCard
from kipoi_tfb.zoo.describe import LIMITS, card_facts, verdict_words
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.measured import measured
from kipoi_tfb.zoo.null import NULL_FILE
from kipoi_tfb.zoo.verify import CONTROLS_FILE, SPLITS_FILE

__all__ = ["front_matter", "model_card"]

_LICENCES = {
    "agpl-3.0", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "cc0-1.0",
    "gpl-3.0", "lgpl-3.0", "mit", "mpl-2.0", "unlicense",
}  # fmt: skip
"""Identifiers that huggingface.co knows, of licences that entries may have; any other is ``other`` there."""
_TAGS = ("biology", "genomics", "dna", "transcription-factor-binding", "kipoi")
_MOST_TF_TAGS = 5
_NOT_TOLD = {"folder"}
"""Facts of an entry that are its owner's alone."""
_WORDS = {
    CONTROLS_FILE: "what it was compared with, in numbers",
    NULL_FILE: "what random variants do to its predictions, for percentiles of `tfb score`",
    SPLITS_FILE: "what came of each random split",
}


def model_card(entry: Entry, others: Sequence[str]) -> str:
    """Return the README of an exported entry.

    Parameters
    ----------
    entry
        Of the zoo.
    others
        Names of the files beside those that every exported entry has.
    """
    card = measured(entry)
    facts = [(label, text) for label, text, _ in card_facts(entry, card) if label not in _NOT_TOLD]
    front = yaml.safe_dump(front_matter(card), sort_keys=False, allow_unicode=True, width=1000)
    words = _WORDS | ({card.metrics.table: "how good it is, per TF"} if card.metrics else {})
    files_of = {name: words.get(name, "a picture") for name in others}
    template = _templates().get_template("README.md.j2")
    return template.render(
        card=card, front=front, verdict=verdict_words(card), facts=facts, others=files_of, limits=LIMITS
    )


def front_matter(card: Card) -> dict[str, Any]:
    """Return what hubs read of a model card (huggingface-hub's `ModelCardData`).

    There is no ``datasets``: these are names of the hub's own data sets, and a matrix is none; ``model-index`` says on
    what was tested.
    """
    licence = card.licence.lower()
    known = licence in _LICENCES
    tfs = card.tasks if len(card.tasks) <= _MOST_TF_TAGS else ()
    front: dict[str, Any] = {
        "library_name": "kipoi-tfb",
        "license": licence if known else "other",
        **({} if known else {"license_name": _slug(card.licence)}),
        "tags": list(dict.fromkeys([*_TAGS, card.architecture, *tfs])),
    }
    if card.metrics is not None:
        front |= {"metrics": ["auprc", "roc_auc"], "model-index": [_results(card, card.metrics)]}
    return front


def _results(card: Card, metrics: MetricsCard) -> dict[str, Any]:
    of = "1 TF" if metrics.n_tfs == 1 else f"mean over {metrics.n_tfs} TFs"
    where = f"{card.data.source}, {', '.join(metrics.chromosomes)}, {of}"
    values = [
        ("auprc", "AUPRC, as many unbound regions as bound ones", metrics.auprc),
        ("auprc", "AUPRC, all unbound regions", metrics.auprc_natural),
        ("roc_auc", "AUROC", metrics.auroc),
    ]
    return {
        "name": card.name,
        "results": [
            {
                "task": {"type": "other", "name": "Binding of transcription factors"},
                "dataset": {"type": "binding-matrix", "name": where},
                "metrics": [
                    {"type": kind, "name": name, "value": value} for kind, name, value in values if value is not None
                ],
            }
        ],
    }


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")[:80] or "unnamed"


def _plain(text: str) -> str:
    r"""Return text of a card as Markdown that is text and nothing else, on one line.

    >>> print(_plain("a <b>|[c](d) *e*"))
    a &lt;b&gt;\|\[c\](d) \*e\*
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", html.escape(line, quote=False))


@cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files("kipoi_tfb.templates") / "hub")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # it is Markdown; `plain` escapes
    )
    templates.filters["plain"] = _plain
    return templates
