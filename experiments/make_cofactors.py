"""Make ``tfb_matrix_data/cofactors.tsv``: of each TF of a matrix the ten that are bound where it is, by another motif.

Cofactors as the paper chooses them (Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5): the highest cosine of
labels over regions, of TFs that share no binding mode (`tfb_matrix_data.relations`). What `tfb score` says of a
variant (`kipoi_tfb.variants.reasons`) uses the table where no matrix is at hand.

    python experiments/make_cofactors.py matrix.h5

Nothing is random: a second run writes the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfb_matrix_data import BindingMatrix
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.relations import Relations

TABLE = Path(__file__).parents[1] / "tfb_matrix_data" / "cofactors.tsv"
N = 10
HEADER = """\
# Cofactors: of each TF the TFs with the highest cosine of labels (less sparse) over regions that share no binding mode.
# Source: computed from the matrix of Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5. Made by
# experiments/make_cofactors.py.
TF	cofactor	cosine
"""


def main(
    matrix: Annotated[Path, typer.Argument(help="Binding matrix (`tfb data import`).")],
    output: Annotated[Path, typer.Option(help="Table to write.")] = TABLE,
) -> None:
    relations = Relations.of(BindingMatrix(matrix))
    n_rows = 0
    with atomic_path(output) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(HEADER)
        for tf in relations.tfs:
            try:
                cofactors = relations.cofactors(tf, N)
            except ConfigError as error:  # its binding mode is not known
                print(error)
                continue
            for cofactor in cofactors:
                stream.write(f"{tf}\t{cofactor.name}\t{cofactor.score:.3f}\n")
            n_rows += len(cofactors)
    print(f"{output}: {n_rows} rows")


if __name__ == "__main__":
    typer.run(main)
