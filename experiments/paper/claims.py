"""What the paper says, tested on our rows by its own tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.paper.fact_rows import Fact
from experiments.paper.figure import Claim
from experiments.paper.results import Row
from experiments.paper.selection import Valued, by_split, by_tf, reasons_of, select

__all__ = ["SIGNIFICANT", "Verdict", "judge"]

SIGNIFICANT = 0.05
_LEAST = {"wilcoxon": 5, "welch": 3, "kruskal": 3, "spearman": 8, "value": 1, "fact": 1}
"""Values, of each group, from which a test says something."""


@dataclass(frozen=True)
class Verdict:
    """How a claim fares here.

    Attributes
    ----------
    says, published
        The claim and its number.
    ours
        Our numbers in words.
    test
        The test, its p-value and n in words.
    verdict
        ``holds``, ``does not hold``, ``the opposite holds``, or ``cannot be tested here: why``.
    """

    says: str
    published: str
    ours: str
    test: str
    verdict: str


def judge(claim: Claim, rows: Sequence[Row], facts: Sequence[Fact] = ()) -> list[Verdict]:
    """Return the verdict on a claim, or one for each TF."""
    if claim.cannot is not None or claim.test is None:
        return [_untested(claim, claim.cannot or "no test is given")]
    if claim.test == "fact":
        return [_of_facts(claim, facts)]
    groups = [select(rows, pick) for pick in claim.of]
    missing = [pick for pick, group in zip(claim.of, groups, strict=True) if not group]
    reasons = [reason for pick in missing for reason in reasons_of(rows, pick)]
    if reasons and not any(groups):
        return [_untested(claim, reasons[0])]
    if not claim.by_tf:
        return [_of_groups(claim, groups, claim.says)]
    tfs = sorted({each.row.tf for group in groups for each in group})
    if not tfs:
        return [_untested(claim, "there are no rows")]
    parts = ([[each for each in group if each.row.tf == tf] for group in groups] for tf in tfs)
    return [_of_groups(claim, own, f"{claim.says}: {tf}") for tf, own in zip(tfs, parts, strict=True)]


def _of_groups(claim: Claim, groups: Sequence[Sequence[Valued]], says: str) -> Verdict:
    test = claim.test
    assert test is not None
    if test == "kruskal":
        groups = [group for group in groups if len(group) >= _LEAST[test]]
        if len(groups) < 2:
            return _untested(claim, f"fewer than two groups have {_LEAST[test]} rows", says)
        return _kruskal(claim, groups, says)
    fewest = min((len(group) for group in groups), default=0)
    if test not in {"wilcoxon", "welch"} and fewest < _LEAST[test]:
        return _untested(claim, f"{fewest} values; {_LEAST[test]} are the fewest", says)
    return {"wilcoxon": _wilcoxon, "welch": _welch, "spearman": _spearman, "value": _value}[test](claim, groups, says)


def _wilcoxon(claim: Claim, groups: Sequence[Sequence[Valued]], says: str) -> Verdict:
    first, second = (by_tf(group) if claim.unit == "tf" else by_split(group) for group in groups)
    pairs = sorted(first.keys() & second.keys())
    of = "TFs" if claim.unit == "tf" else "splits of TFs"
    if len(pairs) < _LEAST["wilcoxon"]:
        return _untested(claim, f"{len(pairs)} {of} have both; {_LEAST['wilcoxon']} are the fewest", says)
    a, b = (np.array([values[pair] for pair in pairs]) for values in (first, second))
    p = 1.0 if (a == b).all() else float(stats.wilcoxon(a, b).pvalue)
    ours = f"{int((a > b).sum())} of {len(pairs)} higher; mean {a.mean():.3f} against {b.mean():.3f}"
    test = f"Wilcoxon signed rank, p = {p:.2g}, n = {len(pairs)} {of}"
    return Verdict(
        says, claim.published, ours, test, _verdict(claim, p, float(np.median(a - b)) or float((a - b).mean()))
    )


def _welch(claim: Claim, groups: Sequence[Sequence[Valued]], says: str) -> Verdict:
    of = "TFs" if claim.unit == "tf" else "splits of TFs"
    means = [by_tf(group) if claim.unit == "tf" else by_split(group) for group in groups]
    if min(len(values) for values in means) < _LEAST["welch"]:
        return _untested(claim, f"{min(len(values) for values in means)} {of}; {_LEAST['welch']} are the fewest", says)
    a, b = (np.array(list(values.values())) for values in means)
    p = float(stats.ttest_ind(a, b, equal_var=False).pvalue)
    ours = f"mean {a.mean():.3f} against {b.mean():.3f}"
    test = f"Welch, p = {p:.2g}, n = {len(a)} and {len(b)} {of}"
    return Verdict(says, claim.published, ours, test, _verdict(claim, p, float(a.mean() - b.mean())))


def _kruskal(claim: Claim, groups: Sequence[Sequence[Valued]], says: str) -> Verdict:
    values = [[each.value for each in group] for group in groups]
    same = len({value for group in values for value in group}) == 1
    p = 1.0 if same else min(1.0, float(stats.kruskal(*values).pvalue) * claim.comparisons)
    names = [group[0].row.base.replace("_", " ") for group in groups]
    ours = ", ".join(f"{name} {np.mean(group):.3f}" for name, group in zip(names, values, strict=True))
    n = ", ".join(str(len(group)) for group in values)
    test = f"Kruskal-Wallis, p = {p:.2g} (times {claim.comparisons}), n = {n}"
    return Verdict(says, claim.published, ours, test, _verdict(claim, p, 0.0))


def _spearman(claim: Claim, groups: Sequence[Sequence[Valued]], says: str) -> Verdict:
    values = by_tf(groups[0])
    sizes: dict[str, float] = {}
    for each in groups[0]:
        sizes[each.row.tf] = float(each.row.n_train)
    found = stats.spearmanr([sizes[tf] for tf in values], list(values.values()))
    ours = f"correlation with the number of windows {found.statistic:+.2f}"
    test = f"Spearman, p = {found.pvalue:.2g}, n = {len(values)} TFs"
    return Verdict(says, claim.published, ours, test, _verdict(claim, float(found.pvalue), float(found.statistic)))


def _value(claim: Claim, groups: Sequence[Sequence[Valued]], says: str) -> Verdict:
    values = np.array([each.value for each in groups[0]])
    ours = f"{values.mean():.3f}" + (f" (SD {values.std(ddof=1):.3f})" if len(values) > 1 else "")
    near = claim.near is None or abs(values.mean() - claim.near) <= claim.within
    test = f"within {claim.within:g}, n = {len(values)} splits"
    return Verdict(says, claim.published, ours, test, "holds" if near else "does not hold")


def _of_facts(claim: Claim, facts: Sequence[Fact]) -> Verdict:
    known = {fact.name: fact for fact in facts}
    found = [known.get(pick.fact or "") for pick in claim.of]
    numbers = [fact for fact in found if fact is not None]
    if len(numbers) < len(found):
        return _untested(claim, "it was not counted")
    values = [float(fact.value) for fact in numbers]
    sizes = [f"{fact.n}" for fact in numbers if fact.n is not None]
    sure = known.get(claim.p or "")
    p = "" if sure is None else f"{sure.name.split(' of ')[0]} = {sure.value}"
    parts = [p] if p else []
    test = "; ".join([*parts, f"n = {' and '.join(sizes)}"] if sizes else parts) or "counted"
    if len(values) == 1:
        ok = claim.near is None or abs(values[0] - claim.near) <= claim.within
        return Verdict(claim.says, claim.published, f"{values[0]:,.10g}", test, _said(ok))
    ok = values[0] > values[1] if claim.expect == "greater" else values[0] < values[1]
    ours = " against ".join(f"{value:,.0f}" if value.is_integer() else f"{value:.3f}" for value in values)
    return Verdict(claim.says, claim.published, ours, test, _said(ok) + ("" if p else " (no test)"))


def _said(ok: bool) -> str:
    return "holds" if ok else "does not hold"


def _verdict(claim: Claim, p: float, difference: float) -> str:
    surely = p < SIGNIFICANT
    if claim.expect in {"same", "different"}:
        return _said(surely == (claim.expect == "different"))
    right = difference > 0 if claim.expect == "greater" else difference < 0
    return "holds" if surely and right else "the opposite holds" if surely else "does not hold (not significant)"


def _untested(claim: Claim, why: str, says: str | None = None) -> Verdict:
    return Verdict(says or claim.says, claim.published, "", "", f"cannot be tested here: {why}")
