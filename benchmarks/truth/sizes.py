"""Candidates for the size of an effect: what makes one number of a TF's probabilities with REF and with ALT.

Each is signed as the effect is: positive where ALT strengthens binding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfb_matrix_data.errors import ConfigError

__all__ = ["FORMS", "Change", "Form", "as_change"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """What a network says of alleles, float64 (alleles, TFs) each.

    Attributes
    ----------
    ref, alt
        Logits of binding with either allele, averaged over strands.
    p_ref, p_alt, occupancy
        Their probabilities, and that of the better-bound allele.
    effect
        Log-odds with ALT minus with REF.
    disagreement
        By how much the effects of the two strands differ.
    rank
        Share, 0 to 1, of the alleles here whose better-bound allele is less bound by the TF.
    prior
        Logit of the share of regions that the TF binds, (TFs,).
    """

    ref: Values
    alt: Values
    p_ref: Values
    p_alt: Values
    occupancy: Values
    effect: Values
    disagreement: Values
    rank: Values
    prior: Values


@dataclass(frozen=True)
class Form:
    """A candidate.

    Attributes
    ----------
    size
        The function.
    constants
        How many numbers were chosen for it, plus how many inputs it needs besides the two probabilities.
    """

    size: Callable[[Change], Values]
    constants: int = 0


def as_change(strands_ref: NDArray, strands_alt: NDArray, prevalence: NDArray) -> Change:
    """Return what forms are functions of.

    Parameters
    ----------
    strands_ref, strands_alt
        Logits (alleles, 2, TFs) of either allele on either strand.
    prevalence
        Share of regions bound, (TFs,), between 0 and 1.

    Raises
    ------
    ConfigError
        If a share is not between 0 and 1.
    """
    share = np.asarray(prevalence, np.float64)
    if not ((share > 0) & (share < 1)).all():
        raise ConfigError("shares of bound regions must lie between 0 and 1, ends excluded")
    strands = np.stack([strands_ref, strands_alt]).astype(np.float64)
    ref, alt = strands.mean(2)
    forward, reverse = (strands[1] - strands[0]).swapaxes(0, 1)
    p_ref, p_alt = _logistic(ref), _logistic(alt)
    occupancy = np.maximum(p_ref, p_alt)
    rank = occupancy.argsort(0).argsort(0) / max(len(occupancy) - 1, 1)
    prior = np.log(share / (1 - share))
    return Change(ref, alt, p_ref, p_alt, occupancy, alt - ref, np.abs(forward - reverse), rank, prior)


def _logistic(logits: Values) -> Values:
    return 1 / (1 + np.exp(-logits))


def _weighed(power: float) -> Form:
    return Form(lambda c: c.effect * c.occupancy**power, int(power != 1))


def _above(threshold: float) -> Form:
    return Form(lambda c: c.effect * np.maximum(c.occupancy - threshold, 0), 1)


def _clipped(most: float) -> Form:
    return Form(lambda c: np.clip(c.effect, -most, most) * c.occupancy, 1)


def _bent(power: float) -> Form:
    return Form(lambda c: np.sign(c.effect) * np.abs(c.effect) ** power * c.occupancy, 1)


def _log_plus(floor: float) -> Form:
    return Form(lambda c: np.log((c.p_alt + floor) / (c.p_ref + floor)), 1)


def _odds_times(shift: float) -> Form:
    return Form(lambda c: c.effect * _logistic(np.maximum(c.ref, c.alt) + shift), 1)


def _tempered(slope: float) -> Form:
    return Form(lambda c: c.effect * _logistic(slope * np.maximum(c.ref, c.alt)), 1)


def _ranked(power: float) -> Form:
    return Form(lambda c: c.effect * c.rank**power, 2)


def _shrunk(by: float) -> Form:
    return Form(lambda c: np.sign(c.effect) * np.maximum(np.abs(c.effect) - by * c.disagreement, 0) * c.occupancy, 2)


def _divergence(c: Change) -> Values:
    """Return the root of the Jensen-Shannon divergence of bound and unbound between the alleles."""
    middle = (c.p_ref + c.p_alt) / 2

    def entropy(p: Values) -> Values:
        p = np.clip(p, 1e-12, 1 - 1e-12)
        return -p * np.log(p) - (1 - p) * np.log1p(-p)

    between = entropy(middle) - (entropy(c.p_ref) + entropy(c.p_alt)) / 2
    return np.sign(c.effect) * np.sqrt(np.maximum(between, 0))


FORMS = {
    "effect": Form(lambda c: c.effect),
    "p_alt - p_ref": Form(lambda c: c.p_alt - c.p_ref),
    "effect x P": _weighed(1),
    **{f"effect x P^{power:g}": _weighed(power) for power in (0.25, 0.5, 0.75, 1.25, 1.5, 2)},
    "effect x mean P": Form(lambda c: c.effect * (c.p_ref + c.p_alt) / 2),
    "effect x sqrt(p_ref p_alt)": Form(lambda c: c.effect * np.sqrt(c.p_ref * c.p_alt)),
    "log((1 - p_ref) / (1 - p_alt))": Form(lambda c: np.logaddexp(0, c.alt) - np.logaddexp(0, c.ref)),
    **{f"effect x max(P - {threshold:g}, 0)": _above(threshold) for threshold in (0.02, 0.05, 0.1, 0.2)},
    **{f"effect up to {most:g} x P": _clipped(most) for most in (0.5, 1, 2)},
    **{f"|effect|^{power:g} x P": _bent(power) for power in (0.5, 0.75, 1.5)},
    **{f"log(p + {floor:g}), difference": _log_plus(floor) for floor in (0.01, 0.05, 0.2, 0.5)},
    "asin(sqrt p), difference": Form(lambda c: np.arcsin(np.sqrt(c.p_alt)) - np.arcsin(np.sqrt(c.p_ref))),
    "sqrt(effect x difference of p)": Form(
        lambda c: np.sign(c.effect) * np.sqrt(np.abs(c.effect * (c.p_alt - c.p_ref)))
    ),
    "sqrt of Jensen-Shannon divergence": Form(_divergence),
    **{f"effect x P, odds x e^{shift:g}": _odds_times(shift) for shift in (-1, 1, 2)},
    "effect x P at a prior of one half": Form(lambda c: c.effect * _logistic(np.maximum(c.ref, c.alt) - c.prior), 1),
    "effect x log(1 + P / prior)": Form(lambda c: c.effect * np.log1p(c.occupancy / _logistic(c.prior)), 1),
    **{f"effect x P, logit x {slope:g}": _tempered(slope) for slope in (0.5, 0.75, 1.5)},
    **{f"effect x (percentile of P)^{power:g}": _ranked(power) for power in (2, 5, 10, 20)},
    "effect x P x percentile of P": Form(lambda c: c.effect * c.occupancy * c.rank, 1),
    **{f"(|effect| - {by:g} disagreement) x P": _shrunk(by) for by in (0.25, 0.5)},
    "effect^2 / (|effect| + disagreement) x P": Form(
        lambda c: c.effect * np.abs(c.effect) / (np.abs(c.effect) + c.disagreement + 1e-12) * c.occupancy, 1
    ),
}
"""Candidates by name; P is the probability of the better-bound allele."""
