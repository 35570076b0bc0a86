"""Reports of made-up alleles."""

from __future__ import annotations

import dataclasses

import numpy as np

from kipoi_tfb.report.contents import Facts, InputFile, Model, Report, Status
from kipoi_tfb.report.record import (
    Contributions,
    Detail,
    Group,
    Row,
    ShownAllele,
    Site,
    TfLine,
    Track,
    UsedMotif,
)

VIEWS = {"wide": (1280, "light"), "dark": (1280, "dark"), "narrow": (360, "light")}
"""Widths and colours that pages are looked at in."""

HOSTILE = "</script><img src=x onerror=alert(1)>\"'`&\n\u2028=1+1"
"""What a name must not do anything with."""

FACTS = Facts(
    "Transcription factors affected: made-up.vcf",
    [InputFile("Scores", "made-up.vcf", "ab" * 32, "made up"), InputFile("Genome", "made-up.fa", "cd" * 32)],
    [Model("tiny", 3, 200, "ef" * 32, "never trained on chr22", "AUPRC 0.906 on chr22.", "2026-11-25", "name: tiny\n")],
    "tfb report made-up.vcf --genome made-up.fa -o report.html",
    "0.1.0",
    "2026-11-26",
    "Compared with 100 random variants.",
)

_WHOLE = "ACGTACGTACGTACGTACGTACGTATACGTACGTACGTACGTACGTACGTAC"


def scored_row(number: int, name: str = ".", info: dict[str, str] | None = None) -> Row:
    """Return a row of which every third loses, every third gains, and every third changes nothing."""
    kind = number % 3
    pos, impact = 1000 * number, (-1, 1, 0)[kind] * (0.5 + number % 997 / 100)
    groups = [
        Group(
            ("bZIP site lost", "GATA1 binding gained")[kind], kind == 1, True, (["JUND", "MAFK"], ["GATA1"])[kind],
            own_site=kind == 0,
        )
    ] if kind < 2 else []  # fmt: skip
    return Row(
        number, f"chr{number % 22 + 1}", pos, name, "A", "G", "ok", ".", f"chr{number % 22 + 1}:{pos}:A>G", info or {},
        kind="substitution", largest_impact=impact, largest_tf=("JUND", "GATA1", "CTCF")[kind],
        p_ref=(0.9, 0.004, 0.02)[kind], p_alt=(0.1, 0.8, 0.02)[kind], variant_percentile=number % 100 + 0.5,
        groups=groups, bound=["CTCF"] if kind == 1 else [],
    )  # fmt: skip


def unscored_row(number: int, info: dict[str, str] | None = None) -> Row:
    return Row(
        number, "chr1", 77, ".", "A", "<DEL>", "symbolic", ".", ".", info or {},
        why_not="ALT is symbolic: it has no sequence to score",
    )  # fmt: skip


def detail_of(row: Row) -> Detail:
    """Return a detail of a scored row: an insertion of one base for the eye."""
    values = (np.sin(np.arange(51)) / 2).tolist()
    given = Contributions(values, [*values, 0.3])
    groups = [
        dataclasses.replace(
            g, sentence=f"With ALT the model says more of {g.tfs[0]}.", start=row.pos - 4, end=row.pos + 5
        )
        for g in row.groups or ()
    ]  # fmt: skip
    site = Site(
        "MA0099.3", "FOS::JUN", row.pos - 4, row.pos + 5, "-", 7.25, -1.5, True, "ref", 21, [[0.7, 0.1, 0.1, 0.1]] * 10
    )
    beside = Site("MA0139.1", "CTCF", row.pos - 90, row.pos - 72, "+", 3.0, None, False, "ref")
    used = [
        UsedMotif("MA0099.3", "FOS::JUN", row.pos - 4, row.pos + 5, "-", 7.25),
        UsedMotif("MA0139.1", "CTCF", row.pos + 40, row.pos + 58, "+", 3.0, 2.5),
    ]
    lines = [
        TfLine(
            tf,
            0.9,
            0.1,
            -4.4,
            -4.0,
            0.2,
            0.91,
            i,
            site,
            *((given, used, f"In use for {tf}: FOS::JUN, CTCF.") if tf == g.tfs[0] else ()),
        )
        for i, g in enumerate(groups)
        for tf in g.tfs
    ]
    steps = list(range(-100, 101, 50))
    return Detail(
        row.number,
        "" if groups else "No TF of the 3 is predicted to bind. That is no evidence that the variant is harmless.",
        groups, row.bound, [*lines, TfLine("CTCF", 0.02, 0.02, 0.0, 0.0, None, None, None, beside)], 3,
        [g.tfs[0] for g in groups],
        ShownAllele(_WHOLE[:51], [*range(26), *range(27, 52)], (26, 26)),
        ShownAllele(_WHOLE, list(range(52)), (26, 27)),
        row.pos, steps, [Track(g.tfs[0], [0.9] * 5, [0.1, 0.2, 0.3, 0.2, 0.1]) for g in groups], [(60, 100)],
        ["In which tissue this matters."],
    )  # fmt: skip


def report_of(rows: list[Row], n_details: int = 3, info: tuple[str, ...] = ()) -> Report:
    scored = [row for row in rows if row.groups is not None]
    ledger = [Status("ok", len(scored), "scored")]
    if len(scored) < len(rows):
        ledger.append(Status("symbolic", len(rows) - len(scored), "ALT has no sequence (<DEL>)"))
    changed = sum(bool(row.groups) for row in scored)
    details = {row.number: detail_of(row) for row in scored[:n_details]}
    return Report(FACTS, ledger, changed, len(scored) - changed, rows, 3, details, "", info)


def small_report() -> Report:
    """Return a report of seven alleles, one not scored."""
    info = [{"GENE": f"GENE{n}", "AF": f"{n / 8:g}"} for n in range(1, 8)]
    rows = [scored_row(n, f"rs{n}", info[n - 1]) for n in range(1, 7)]
    return report_of([*rows, unscored_row(7, info[6])], 3, ("GENE", "AF"))


def hostile_report() -> Report:
    """Return a report in which every text that an input can choose would do harm as markup, script or formula."""
    row = scored_row(3, HOSTILE, {HOSTILE: HOSTILE})
    changed = dataclasses.replace(
        row, chrom=HOSTILE, ref=HOSTILE, alt=HOSTILE, flags=HOSTILE, normal=HOSTILE, largest_tf=HOSTILE,
        groups=[Group(HOSTILE, True, True, [HOSTILE])], bound=[HOSTILE],
    )  # fmt: skip
    detail = dataclasses.replace(detail_of(changed), sentence=HOSTILE, cannot=[HOSTILE])
    missing = dataclasses.replace(
        unscored_row(4, {HOSTILE: HOSTILE}), why_not=HOSTILE, status=HOSTILE, id="=1+1", pos=78
    )
    facts = Facts(
        HOSTILE, [InputFile(HOSTILE, HOSTILE, "ab" * 32, HOSTILE)],
        [Model(HOSTILE, 3, 200, "ef" * 32, HOSTILE, HOSTILE, HOSTILE, HOSTILE)], HOSTILE, HOSTILE, HOSTILE, HOSTILE,
    )  # fmt: skip
    ledger = [Status("ok", 1, "scored"), Status(HOSTILE, 1, HOSTILE)]
    return Report(facts, ledger, 1, 0, [changed, missing], 3, {3: detail}, HOSTILE, (HOSTILE,))


def violations(page) -> list[tuple[str, str, str]]:
    """Return what axe-core finds in a page."""
    import pytest

    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page.context.set_offline(True)
    found = axe.Axe().run(page).response["violations"]
    return [(rule["id"], rule["impact"], rule["nodes"][0]["html"][:200]) for rule in found]
