"""Tables of what is known of TFs: binding modes, classes, and STRING scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.lines import read_lines

__all__ = [
    "CLUSTER",
    "DERIVED",
    "BindingModes",
    "read_cofactors",
    "read_modes",
    "read_profile_clusters",
    "read_profiles",
    "read_string_scores",
]

CLUSTER = "cluster_"
"""Before the number of a cluster of JASPAR."""

DERIVED = "derived"
"""Names, where a table of binding modes is asked for, this project's clusters of all profiles of JASPAR 2020."""

_DIMER = ("::", "|")  # between the classes of the proteins of a dimer


@dataclass(frozen=True)
class BindingModes:
    """Binding modes and TF class by TF name.

    Attributes
    ----------
    modes
        {TF: its binding modes}; a TF with several profiles may have several.
    tf_class
        {TF: its class}, of those whose class is known.
    source
        Where this is from.
    """

    modes: Mapping[str, frozenset[str]]
    tf_class: Mapping[str, str]
    source: str

    def shared(self, one: str, other: str) -> list[str]:
        """Return the modes that two TFs have in common, sorted; none where a TF is not in the table."""
        nothing: frozenset[str] = frozenset()
        return sorted(self.modes.get(one, nothing) & self.modes.get(other, nothing))


def read_modes(path: str | Path | None = None) -> BindingModes:
    """Return the binding modes and TF classes of a table, by default of those in this package.

    The default modes are the paper's: JASPAR 2020's own clusters of profiles, which this package has of the 163 TFs of
    the published matrix; other TFs have none by it. The classes are JASPAR's, of all its vertebrate TFs.

    Parameters
    ----------
    path
        Tab-separated, one row per TF and profile; a header names the columns ``TF``, ``cluster`` and, optionally,
        ``tf_class``; others are not read. Lines that start with ``#`` are comments. Or `DERIVED`: modes of all
        vertebrate TFs of JASPAR 2020, clusters of the same profiles derived by experiments/make_tf_classes.py, which
        are not JASPAR's and never mixed with them.

    Raises
    ------
    InputError
        If the file is missing, lacks a column or a value, or has no row.

    Examples
    --------
    >>> known = read_modes()
    >>> known.shared("JUND", "FOS"), known.shared("JUND", "GATA1"), known.tf_class["JUND"]
    (['cluster_1', 'cluster_18'], [], 'Basic leucine zipper factors (bZIP)')
    >>> read_modes(DERIVED).shared("JUND", "FOS")
    ['mode_3', 'mode_7']
    """
    if path is not None and str(path) != DERIVED:
        return _modes(Path(path), str(path))
    with as_file(files(__package__) / "tf_classes.tsv") as packaged:
        derived = _modes(packaged, "the clusters derived from JASPAR 2020's profiles")
    if path is not None:
        return derived
    modes: dict[str, set[str]] = {}
    with as_file(files(__package__) / "jaspar_clusters.tsv") as packaged:
        for _, (number, tfs) in _rows(packaged, ("cluster", "TFs")):
            for tf in tfs.split():
                modes.setdefault(tf, set()).add(CLUSTER + number)
    source = f"JASPAR 2020's clusters of the published matrix's TFs (`{DERIVED}` has all TFs of JASPAR)"
    return BindingModes({tf: frozenset(found) for tf, found in modes.items()}, derived.tf_class, source)


def read_profiles(path: str | Path | None = None) -> dict[str, tuple[str, ...]]:
    """Return the identifiers of each TF's profiles in a table, by default of JASPAR 2020's in this package.

    Parameters
    ----------
    path
        As for `read_modes`, with the columns ``TF`` and ``matrix_id``.

    Raises
    ------
    InputError
        If the file is missing, lacks a column or a value, or has no row.

    Examples
    --------
    >>> read_profiles()["CEBPA"]
    ('MA0019.1', 'MA0102.4')
    """
    if path is None:
        with as_file(files(__package__) / "tf_classes.tsv") as packaged:
            return read_profiles(packaged)
    profiles: dict[str, list[str]] = {}
    for _, (tf, matrix_id) in _rows(path, ("TF", "matrix_id")):
        profiles.setdefault(tf, []).append(matrix_id)
    return {tf: tuple(dict.fromkeys(found)) for tf, found in profiles.items()}


def read_profile_clusters() -> dict[str, str]:
    """Return the cluster of each vertebrate profile of JASPAR 2020, {identifier: cluster}, of a table in this package.

    Profiles of one cluster are alike. They are derived by experiments/make_tf_classes.py: of JASPAR's own clusters only
    the TFs are in this package (`read_modes`).

    Examples
    --------
    >>> clusters = read_profile_clusters()
    >>> clusters["MA0019.1"] == clusters["MA0102.4"], len(set(clusters.values())) > 100
    (False, True)
    """
    with as_file(files(__package__) / "tf_classes.tsv") as packaged:
        return {matrix_id: cluster for _, (matrix_id, cluster) in _rows(packaged, ("matrix_id", "cluster"))}


def read_cofactors() -> dict[str, tuple[str, ...]]:
    """Return the cofactors of each TF of the published matrix, closest first, from the table in this package.

    A cofactor is bound in the same regions by another motif (`tfb_matrix_data.relations.Relations.cofactors`); of any
    other matrix, ask that. The table is made by experiments/make_cofactors.py.

    Examples
    --------
    >>> read_cofactors()["GATA1"][:2]
    ('SOX6', 'TEAD4')
    """
    found: dict[str, list[str]] = {}
    with as_file(files(__package__) / "cofactors.tsv") as packaged:
        for _, (tf, cofactor) in _rows(packaged, ("TF", "cofactor")):
            found.setdefault(tf, []).append(cofactor)
    return {tf: tuple(cofactors) for tf, cofactors in found.items()}


def read_string_scores(path: str | Path) -> dict[frozenset[str], float]:
    """Return STRING scores, {pair of TFs: score}, of a table of TF-TF pairs in either order.

    Parameters
    ----------
    path
        Tab-separated; a header names the columns ``TF_a``, ``TF_b`` and ``score``. Of a pair that comes twice the
        higher score holds.

    Raises
    ------
    InputError
        If the file is missing, lacks a column or a value, has a score that is not a finite number, or has no row.
    """
    scores: dict[frozenset[str], float] = {}
    for number, (one, other, text) in _rows(path, ("TF_a", "TF_b", "score")):
        try:
            score = float(text)
        except ValueError:
            score = math.nan
        if not math.isfinite(score):
            raise InputError(path, f"score {text!r} is not a finite number", number)
        pair = frozenset((one, other))
        scores[pair] = max(score, scores.get(pair, score))
    return scores


def _modes(path: Path, source: str) -> BindingModes:
    modes: dict[str, set[str]] = {}
    classes: dict[str, tuple[bool, str]] = {}
    for _, (tf, cluster, tf_class) in _rows(path, ("TF", "cluster"), ("tf_class",)):
        modes.setdefault(tf, set()).add(cluster)
        # The profile of a dimer may name the other protein's class first: that of the TF's own profile goes before.
        dimer = any(mark in tf_class for mark in _DIMER)
        for mark in _DIMER:
            tf_class = tf_class.split(mark)[0].strip()
        if tf_class and (tf not in classes or (classes[tf][0] and not dimer)):
            classes[tf] = (dimer, tf_class)
    by_name = {tf: tf_class for tf, (_, tf_class) in classes.items()}
    return BindingModes({tf: frozenset(found) for tf, found in modes.items()}, by_name, source)


def _rows(path: str | Path, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, the values of the required and the optional columns, "" where there is no such column)."""
    header: list[str] = []
    empty = True
    for number, line in read_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        values = [value.strip() for value in line.split("\t")]
        if not header:
            header = values
            for name in required:
                if name not in header:
                    wanted = ", ".join(required)
                    raise InputError(path, f"no column {name!r}; expected a tab-separated header with {wanted}", number)
            continue
        row = dict(zip(header, values, strict=False))
        for name in required:
            if not row.get(name):
                raise InputError(path, f"no value in column {name!r}", number)
        empty = False
        yield number, [row.get(name, "") for name in (*required, *optional)]
    if empty:
        raise InputError(path, f"has no rows; expected a header with {', '.join(required)} and rows below it")
