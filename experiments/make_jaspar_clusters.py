"""Make ``tfb_matrix_data/jaspar_clusters.tsv``: JASPAR 2020's clusters of profiles, the paper's binding modes.

The clusters are those of JASPAR 2020's own page of clustered vertebrate profiles (RSAT matrix-clustering,
Castro-Mondragon et al. 2017, doi:10.1093/nar/gkx314), by which Novakovsky et al. 2021 tell binding modes apart. They
are not in `pyjaspar`, so that this needs a table of them: tab-separated, with the columns TF and cluster
(``cluster_N``), a row for each profile of a TF. Of it the clusters of each TF are kept and nothing else.

    python experiments/make_jaspar_clusters.py clusters.tsv

Nothing is random: a second run writes the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfb_matrix_data.errors import InputError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.modes import CLUSTER, read_modes

TABLE = Path(__file__).parents[1] / "tfb_matrix_data" / "jaspar_clusters.tsv"
HEADER = """\
# Binding modes: of each cluster of JASPAR 2020's vertebrate profiles the TFs of the published matrix with one in it.
# Source: JASPAR 2020, Fornes et al. 2020, doi:10.1093/nar/gkz1001, licence CC BY 4.0; clustered by JASPAR with RSAT
# matrix-clustering. Changed: cut down to the TFs of Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5.
# Made by: python experiments/make_jaspar_clusters.py clusters.tsv
"""


def main(
    clusters: Annotated[Path, typer.Argument(help="Table with the columns TF and cluster.")],
    output: Annotated[Path, typer.Option(help="Table to write.")] = TABLE,
) -> None:
    modes = read_modes(clusters).modes
    tfs_of: dict[int, list[str]] = {}
    for tf in sorted(modes):
        for cluster in modes[tf]:
            number = cluster.removeprefix(CLUSTER)
            if number == cluster or not number.isdecimal():
                raise InputError(clusters, f"cluster {cluster!r} of {tf} is not named as {CLUSTER}1 is")
            tfs_of.setdefault(int(number), []).append(tf)
    with atomic_path(output) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(HEADER)
        stream.write("cluster\tTFs\n")
        for number in sorted(tfs_of):
            stream.write(f"{number}\t{' '.join(tfs_of[number])}\n")
    print(f"{output}: {len(modes)} TFs in {len(tfs_of)} clusters")


if __name__ == "__main__":
    typer.run(main)
