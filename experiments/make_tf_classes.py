"""Make ``tfb_matrix_data/tf_classes.tsv``: class, family and binding mode of every TF of JASPAR 2020, one per profile.

Source: JASPAR 2020 CORE, vertebrates (Fornes et al. 2020, doi:10.1093/nar/gkz1001; CC BY 4.0), through pyjaspar, which
carries the database and needs no network. It has TF classes and families (of TFClass) but not JASPAR's clusters of
profiles, which are the paper's binding modes. They are derived here by JASPAR's own kind of clustering (RSAT
matrix-clustering, Castro-Mondragon et al. 2017, doi:10.1093/nar/gkx314), in its simplest form:

- two profiles are compared at every offset on both strands, over at least five columns (all, of a shorter profile),
  by the correlation of their aligned base frequencies times (aligned columns / columns of the whole alignment): Ncor;
- profiles are clustered hierarchically by average linkage of 1 - Ncor, and the tree is cut at Ncor = 0.5.

A profile belongs to each protein of its name: "Ddit3::Cebpa" is one of DDIT3 and one of CEBPA. Names are in capitals,
as those of human TFs; variants ("(var.2)") are dropped from the name. Modes are numbered from the largest down.

    python experiments/make_tf_classes.py [--compare tf_binding_modes.tsv]

`--compare` prints how well the modes agree with the clusters of another table. Nothing is random: a second run writes
the same bytes.
"""

from __future__ import annotations

import csv
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from Bio.motifs import Motif
from numpy.typing import NDArray
from pyjaspar import jaspardb
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from tfb_matrix_data.files import atomic_path

TABLE = Path(__file__).parents[1] / "tfb_matrix_data" / "tf_classes.tsv"
MIN_COLUMNS = 5
CUT = 0.5
HEADER = """\
# TF class, family and binding mode of each JASPAR 2020 CORE vertebrate profile; one row per TF and profile.
# Source: JASPAR 2020, Fornes et al. 2020, doi:10.1093/nar/gkz1001, licence CC BY 4.0, by way of pyjaspar.
# cluster: binding mode derived from the profiles, not JASPAR's own. Made by experiments/make_tf_classes.py.
"""


def main(
    output: Annotated[Path, typer.Option(help="Table to write.")] = TABLE,
    compare: Annotated[Path | None, typer.Option(help="Table with columns TF, matrix_id and cluster.")] = None,
) -> None:
    motifs = jaspardb(release="JASPAR2020").fetch_motifs(collection="CORE", tax_group=["vertebrates"])
    motifs = sorted(motifs, key=lambda motif: motif.matrix_id)
    modes = binding_modes(normalised_correlations([_centred(motif) for motif in motifs]))
    rows = []
    for motif, mode in zip(motifs, modes, strict=True):
        proteins = motif.name.split("(")[0].upper().split("::")
        for i, tf in enumerate(proteins):
            rows.append((tf, motif.matrix_id, motif.name, mode, _nth(motif.tf_class, i), _nth(motif.tf_family, i)))
    with atomic_path(output) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(HEADER)
        for row in [("TF", "matrix_id", "profile_name", "cluster", "tf_class", "tf_family"), *sorted(rows)]:
            stream.write("\t".join(row) + "\n")
    print(f"{output}: {len({row[0] for row in rows})} TFs, {len(motifs)} profiles, {len(set(modes))} binding modes")
    if compare:
        _compare(rows, compare)


def normalised_correlations(profiles: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the best Ncor of each pair over offsets and strands, (profiles, profiles), from columns that sum to 0."""
    n, widths = len(profiles), np.array([len(profile) for profile in profiles])
    widest = int(widths.max())
    one, one_sums = _padded(profiles, widest)
    best = np.full((n, n), -1.0)
    for strand in (profiles, [profile[::-1, ::-1] for profile in profiles]):
        other, other_sums = _padded(strand, widest)
        for offset in range(1 - widest, widest):  # column j of the other lies at column j + offset of the first
            first, first_other, length = max(0, offset), max(0, -offset), widest - abs(offset)
            dot = one[:, first : first + length].reshape(n, -1) @ other[:, first_other:][:, :length].reshape(n, -1).T
            end = np.maximum(np.minimum(widths[:, None], widths[None, :] + offset), first)
            aligned = end - first
            one_norm = np.take_along_axis(one_sums, end, 1) - one_sums[:, first, None]
            other_norm = (
                np.take_along_axis(other_sums.T, (end - offset).clip(0, widest), 0) - other_sums[:, first_other]
            )
            enough = aligned >= np.minimum(MIN_COLUMNS, np.minimum(widths[:, None], widths[None, :]))
            norm = np.sqrt(np.where(enough, one_norm * other_norm, 1))
            whole = widths[:, None] + widths[None, :] - aligned
            best = np.where(enough, np.maximum(best, dot / norm * aligned / whole), best)
    return (best + best.T) / 2


def binding_modes(correlations: NDArray[np.float64]) -> list[str]:
    """Return the mode of each profile; ``mode_1`` has the most profiles, ties by first appearance."""
    distance = 1 - correlations
    np.fill_diagonal(distance, 0)
    labels = fcluster(linkage(squareform(distance, checks=False), "average"), 1 - CUT, "distance").tolist()
    sizes, first = Counter(labels), {label: labels.index(label) for label in set(labels)}
    order = sorted(sizes, key=lambda label: (-sizes[label], first[label]))
    number = {label: i for i, label in enumerate(order, start=1)}
    return [f"mode_{number[label]}" for label in labels]


def _centred(motif: Motif) -> NDArray[np.float64]:
    """Return base frequencies with one pseudocount, less 0.25: (columns, 4), order A C G T (reversed: complement)."""
    counts = np.array([motif.counts[base] for base in "ACGT"], float).T
    return (counts + 0.25) / (counts.sum(1, keepdims=True) + 1) - 0.25


def _padded(profiles: list[NDArray[np.float64]], widest: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (profiles, widest, 4) and the running sums of the squares, (profiles, widest + 1)."""
    padded = np.zeros((len(profiles), widest, 4))
    for row, profile in zip(padded, profiles, strict=True):
        row[: len(profile)] = profile
    return padded, np.pad(np.cumsum((padded**2).sum(2), 1), ((0, 0), (1, 0)))


def _nth(values: list[str], i: int) -> str:
    """Return the value of a dimer's i-th protein; JASPAR names only one where all are the same."""
    values = [part.strip() for value in values for part in value.split("::")]
    return (values[i] if i < len(values) else values[0]) if values else ""


def _compare(rows: list[tuple[str, ...]], path: Path) -> None:
    with open(path, encoding="utf-8") as stream:
        table = [row for row in csv.DictReader(stream, delimiter="\t") if row["cluster"]]
    mine = {row[1]: row[3] for row in rows}
    theirs = {row["matrix_id"]: row["cluster"] for row in table}
    shared = sorted(mine.keys() & theirs.keys())
    index = adjusted_rand_score([theirs[i] for i in shared], [mine[i] for i in shared])
    print(f"adjusted Rand index of {len(shared)} profiles: {index:.3f}")
    tfs = sorted({row["TF"] for row in table} & {row[0] for row in rows})
    modes = [{row[3] for row in rows if row[0] == tf} for tf in tfs]
    clusters = [{row["cluster"] for row in table if row["TF"] == tf} for tf in tfs]
    pairs = [(bool(modes[i] & modes[j]), bool(clusters[i] & clusters[j])) for i, j in combinations(range(len(tfs)), 2)]
    counts = Counter(pairs)
    print(
        f"pairs of {len(tfs)} TFs: {counts[True, True]} share a mode in both tables, {counts[True, False]} only here, "
        f"{counts[False, True]} only there, {counts[False, False]} in neither"
    )


if __name__ == "__main__":
    typer.run(main)
