"""JASPAR's profiles of vertebrate TFs: those of 2020, the paper's, from a table of this package."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kipoi_tfb.motifs.profiles import Motif, from_biopython, tf_of_profile
from tfb_matrix_data.errors import ConfigError, UnknownNameError
from tfb_matrix_data.extras import import_extra
from tfb_matrix_data.modes import read_profiles

if TYPE_CHECKING:
    from Bio.motifs.jaspar import Motif as JasparMotif

__all__ = ["jaspar_motifs", "start_profiles", "vertebrate_motifs"]

RELEASE = "JASPAR2020"
"""Of the table; others are pyjaspar's."""
_TABLE = Path(__file__).with_name("jaspar2020.tsv")


def jaspar_motifs(
    tfs: Sequence[str] | None = None, release: str = RELEASE, profiles: Mapping[str, Sequence[str]] | None = None
) -> dict[str, tuple[Motif, ...]]:
    """Return the JASPAR CORE vertebrate profiles of TFs, {TF: its profiles}, those of dimers last, then by identifier.

    Parameters
    ----------
    tfs
        Names; default all TFs of the table.
    release
        JASPAR release. What is not in the table (other releases; of 2020 older versions, other groups and collections)
        is pyjaspar's, where that is installed. No network is needed.
    profiles
        {TF: identifiers of its profiles}; default `tfb_matrix_data.modes.read_profiles`, which covers JASPAR 2020.

    Raises
    ------
    UnknownNameError
        If a TF has no profile, or pyjaspar no such release.
    ConfigError
        If a profile is not in the release.
    MissingExtraError
        If the table does not have what is asked for, and pyjaspar is not installed.
    """
    known = read_profiles() if profiles is None else profiles
    chosen = list(known) if tfs is None else list(tfs)
    source = _Table() if release == RELEASE else _PyJaspar(release)
    result = {}
    for tf in chosen:
        if tf not in known:
            raise UnknownNameError("TF with a JASPAR profile", tf, known)
        found = {matrix_id: source.one(matrix_id) for matrix_id in known[tf]}
        if missing := [matrix_id for matrix_id, motif in found.items() if motif is None]:
            raise ConfigError(f"{release} has no profile {', '.join(missing)} of {tf}; give a table for that release")
        own = sorted((motif for motif in found.values() if motif), key=lambda m: ("::" in m.name, m.matrix_id))
        result[tf] = tuple(Motif(motif.name, motif.matrix_id, tf, motif.pfm) for motif in own)
    return result


def vertebrate_motifs(release: str = RELEASE) -> list[Motif]:
    """Return the newest version of every profile of JASPAR CORE's vertebrates, by identifier; each is its own `tf`.

    Raises
    ------
    MissingExtraError
        If the release is another than 2020, and pyjaspar is not installed.
    UnknownNameError
        If pyjaspar has no such release.
    """
    return (_Table() if release == RELEASE else _PyJaspar(release)).newest()


def start_profiles(tfs: Sequence[str], others: Sequence[str] = ()) -> list[Motif]:
    """Return the JASPAR 2020 profiles of TFs in the order of the filters that start as them.

    Parameters
    ----------
    tfs, others
        TFs; those without a profile have none, and a profile that several share is there once, for the first of them.
    """
    known = read_profiles()
    profiles = jaspar_motifs([tf for tf in dict.fromkeys((*tfs, *others)) if tf in known])
    distinct: dict[str, Motif] = {}
    for motifs in profiles.values():
        for motif in motifs:
            distinct.setdefault(motif.matrix_id, motif)
    return list(distinct.values())


class _Release(Protocol):
    def one(self, matrix_id: str) -> Motif | None:
        """Return the profile of an identifier, if it is there."""

    def newest(self) -> list[Motif]:
        """Return the newest versions of all, by identifier."""


class _Table:
    def one(self, matrix_id: str) -> Motif | None:
        found = _table().get(matrix_id)
        return found or _PyJaspar(RELEASE, f"may have {matrix_id} of {RELEASE}").one(matrix_id)

    def newest(self) -> list[Motif]:
        return list(_table().values())


@cache
def _table() -> dict[str, Motif]:
    """Return the profiles of the table by identifier, in its order."""
    found = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith(("#", "matrix_id")):
            continue
        matrix_id, name, *rows = line.split("\t")
        pfm = np.array([row.split() for row in rows], np.float64)
        pfm.flags.writeable = False
        found[matrix_id] = Motif(name, matrix_id, tf_of_profile(name), pfm)
    return found


class _PyJaspar:
    def __init__(self, release: str, why: str = "") -> None:
        pyjaspar = import_extra("pyjaspar", f"pyjaspar, which {why or f'has {release}'},", "jaspar")
        if release not in pyjaspar.jaspar_releases:
            raise UnknownNameError("release of JASPAR", release, pyjaspar.jaspar_releases)
        self._database = pyjaspar.jaspardb(release=release)

    def one(self, matrix_id: str) -> Motif | None:
        with _quiet():  # who asked says it, with the TF
            found: JasparMotif | None = self._database.fetch_motif_by_id(matrix_id)
        return None if found is None else from_biopython(found)

    def newest(self) -> list[Motif]:
        with _quiet():
            found = self._database.fetch_motifs(collection="CORE", tax_group=["vertebrates"])
        return [from_biopython(motif) for motif in sorted(found, key=lambda motif: motif.matrix_id)]


def _quiet() -> warnings.catch_warnings:
    from Bio import BiopythonWarning

    return warnings.catch_warnings(action="ignore", category=BiopythonWarning)
