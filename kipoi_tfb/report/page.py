"""A report as one HTML file that loads nothing and sends nothing.

Names and values of the input are text everywhere: Jinja2 escapes what it writes, and the script makes text nodes of the
data. A content security policy allows this very script and style, by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from kipoi_tfb.models.logits import BOUND, NOTABLE
from kipoi_tfb.report.contents import Column, Facts, Leaflet, Picture, Report, Sheet, Status
from kipoi_tfb.report.igv import Igv
from kipoi_tfb.report.record import Group, Row
from kipoi_tfb.report.words import probability_decimals
from tfb_matrix_data.alleles import SCORED
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path, check_output

__all__ = ["check_page", "render", "render_leaflet", "render_sheet", "write_page"]

_SCRIPTS = ("text.js", "order.js", "data.js", "pictures.js", "browser.js", "detail.js", "table.js", "start.js")
_SHEET_SCRIPTS = ("text.js", "order.js", "data.js", "sheet.js")
_STATIC_ROWS = 100
"""Rows written as HTML too, for who reads without a script: as many as the script draws at once."""

_PACKED_FROM = 1 << 18
"""Characters of data from which it is compressed."""

_BAR = 480.0


def check_page(path: str | Path) -> None:
    """Check that a page can be written there, before anything slow.

    Raises
    ------
    ConfigError
        If its ending is not that of a page.
    InputError
        If its folder does not exist.
    """
    if check_output(path).suffix.lower() not in {".html", ".htm"}:
        raise ConfigError(f"{path}: a report is a page; give it a name that ends in .html")


def write_page(contents: Report | Sheet | Leaflet, path: str | Path) -> int:
    """Write a report, whole or not at all; return its size in bytes."""
    if isinstance(contents, Leaflet):
        page = render_leaflet(contents).encode()
    else:
        page = (render(contents) if isinstance(contents, Report) else render_sheet(contents)).encode()
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(page)
    return len(page)


def render(report: Report) -> str:
    """Return a report of variants as the text of an HTML file."""
    return _framed(
        "variants.html.j2",
        _SCRIPTS,
        _data(report),
        len(report.info),
        report.igv,
        facts=report.facts,
        ledger=report.ledger,
        counts=_counts(report),
        total=sum(line.count for line in report.ledger),
        bar=_bar(report.ledger),
        rows=report.rows,
        static=_first(report.rows),
        info=report.info,
        n_tfs=report.n_tfs,
        left_out=report.left_out,
        notable=f"{NOTABLE:g}",
        bound=f"{BOUND:g}",
    )


def render_sheet(sheet: Sheet) -> str:
    """Return a page of one table as the text of an HTML file."""
    columns = [{"title": each.title, "digits": each.digits, "kind": each.kind} for each in sheet.columns]
    content = {"name": _file_name(sheet.facts), "things": sheet.things, "columns": columns, "rows": _bare(sheet.rows)}
    static = sheet.rows[:_STATIC_ROWS]
    return _framed("sheet.html.j2", _SHEET_SCRIPTS, content, 0, None, facts=sheet.facts, sheet=sheet, static=static)


def render_leaflet(leaflet: Leaflet) -> str:
    """Return a page of words and pictures as the text of an HTML file; it has no data and no script to speak of."""
    return _framed("leaflet.html.j2", (), {}, 0, None, facts=leaflet.facts, leaflet=leaflet)


def _framed(
    template: str, scripts: Sequence[str], content: dict[str, Any], n_info: int, igv: Igv | None, **shown: Any
) -> str:
    style = _asset("report.css") + f":root{{--n-info:{n_info}}}\n"
    script = f'"use strict";\n(() => {{\n{"".join(_asset(name) for name in scripts)}}})();\n'
    data_type, data = _embedded(content)
    return (
        _templates()
        .get_template(template)
        .render(
            **shown,
            style=Markup(style),
            script=Markup(script),
            policy=_policy(script, style, igv),
            igv=igv,
            igv_packed=Markup(_packed(igv.source)) if igv else "",
            data_type=data_type,
            data=Markup(data),
        )
    )


@cache
def _asset(name: str) -> str:
    return (files("kipoi_tfb.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset), autoescape=True, undefined=jinja2.StrictUndefined
    )
    templates.filters |= {
        "allele": _allele,
        "words": _words,
        "impact": lambda row: "" if row.largest_impact is None else f"{_signed(row.largest_impact)} {row.largest_tf}",
        "probabilities": _probabilities,
        "percentile": lambda row: _percentile(row.variant_percentile),
        "written": _written,
        "address": _address,
    }
    templates.tests |= {"picture": lambda cell: isinstance(cell, Picture)}
    return templates


def _policy(script: str, style: str, igv: Igv | None) -> str:
    """Return the content security policy; igv.js writes styles of its own, and reads its sequence from an address."""
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(map(_csp_hash, [script, igv.source] if igv else [script])),
        "style-src": "'unsafe-inline'" if igv else _csp_hash(style),
        "img-src": "data:",
        "connect-src": "data:" if igv else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {allowed}" for name, allowed in rules.items())


def _csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _counts(report: Report) -> dict[str, int]:
    not_scored = sum(line.count for line in report.ledger if line.status not in SCORED)
    return {"changed": report.changed, "unchanged": report.unchanged, "not_scored": not_scored}


def _bar(ledger: Sequence[Status]) -> list[dict[str, str]]:
    """Return the parts of the ledger's bar, with gaps between them."""
    total, x, parts = sum(line.count for line in ledger), 0.0, []
    for line in ledger:
        width = _BAR * line.count / max(total, 1)
        kind = "scored" if line.status in SCORED else "ring"
        parts.append({"kind": kind, "x": f"{x + 1:.1f}", "width": f"{max(width - 2, 1):.1f}"})
        x += width
    return parts


def _first(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are written as HTML, the largest impact first."""
    return sorted(rows, key=lambda row: 1 if row.largest_impact is None else -abs(row.largest_impact))[:_STATIC_ROWS]


def _data(report: Report) -> dict[str, Any]:
    return {
        "name": _file_name(report.facts),
        "info": list(report.info),
        "rows": [_bare(row) for row in report.rows],
        "details": {number: _bare(detail) for number, detail in report.details.items()},
        "slices": {number: _bare(each) for number, each in report.slices.items()},
    }


def _file_name(facts: Facts) -> str:
    """Return what files of the page's rows are called, without their ending."""
    source = facts.files[0].name.partition(".")[0] if facts.files else ""
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', source) or 'rows'}-report"


def _embedded(content: dict[str, Any]) -> tuple[str, str]:
    """Return the type and the text of the element that holds the data."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text) >= _PACKED_FROM:
        return "application/gzip+base64", _packed(text)
    return "application/json", re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _bare(value: Any) -> Any:
    """Return data of dataclasses as JSON takes it: without what is empty, numbers to four decimals."""
    if dataclasses.is_dataclass(value):
        pairs = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
        # A row with no group changes nothing; one without groups was not scored.
        kept = ((name, _bare(held)) for name, held in pairs if held is not None)
        return {name: held for name, held in kept if name == "groups" or held not in ("", [])}
    if isinstance(value, np.ndarray | np.generic):
        return _bare(value.tolist())
    if isinstance(value, Mapping):
        return {key: _bare(held) for key, held in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_bare(each) for each in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value


def _allele(bases: str) -> str:
    return f"{bases[:20]}… ({len(bases)} bp)" if len(bases) > 24 else bases


def _words(row: Row) -> str:
    if row.groups is None:
        return f"Not scored: {row.why_not}"
    return "; ".join(map(_titled, row.groups)) or "No change predicted"


def _titled(group: Group) -> str:
    """Return what becomes of a group, and of which TFs: a title that names its one TF says both."""
    named = len(group.tfs) == 1 and group.title.startswith(f"{group.tfs[0]} ")
    return group.title if named else f"{group.title}: {', '.join(group.tfs)}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def _probabilities(row: Row) -> str:
    if row.p_ref is None or row.p_alt is None:
        return ""
    return f"{row.largest_tf} {probability_decimals(row.p_ref)} → {probability_decimals(row.p_alt)}"


def _percentile(value: float | None) -> str:
    if value is None:
        return ""
    return "<0.1" if value < 0.05 else ">99.9" if value >= 99.95 else f"{value:.1f}"


def _written(value: str | float | None, column: Column) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return (
        probability_decimals(value) if column.kind == "probability" else f"{value:.{column.digits}f}".replace("-", "−")
    )


def _address(picture: Picture) -> str:
    """Return a picture as an address that holds it: drawn as an image, in which no script runs."""
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.svg.encode()).decode()}"
