"""Make ``kipoi_tfb/motifs/jaspar2020.tsv``: every profile of JASPAR 2020's CORE collection of vertebrates.

Source: JASPAR 2020 (Fornes et al. 2020, doi:10.1093/nar/gkz1001; CC BY 4.0), through pyjaspar, which carries every
release, 143 MB, of which the product needs this one table. The newest version of each profile; counts as they are
there. Nothing is random: a second run writes the same bytes.

    python experiments/make_jaspar_profiles.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pyjaspar import jaspardb

from tfb_matrix_data.files import atomic_path

TABLE = Path(__file__).parents[1] / "kipoi_tfb" / "motifs" / "jaspar2020.tsv"
HEADER = """\
# Profiles of JASPAR 2020 CORE, vertebrates, newest versions: counts of A, C, G and T by position, a row per profile.
# Source: JASPAR 2020, Fornes et al. 2020, doi:10.1093/nar/gkz1001, licence CC BY 4.0, by way of pyjaspar.
# Made by experiments/make_jaspar_profiles.py.
"""


def main(output: Annotated[Path, typer.Option(help="Table to write.")] = TABLE) -> None:
    motifs = jaspardb(release="JASPAR2020").fetch_motifs(collection="CORE", tax_group=["vertebrates"])
    with atomic_path(output) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(HEADER + "matrix_id\tname\tA\tC\tG\tT\n")
        for motif in sorted(motifs, key=lambda motif: motif.matrix_id):
            rows = (" ".join(f"{count:.17g}" for count in motif.counts[base]) for base in "ACGT")
            stream.write("\t".join((motif.matrix_id, motif.name, *rows)) + "\n")
    print(f"{output}: {len(motifs)} profiles")


if __name__ == "__main__":
    typer.run(main)
