"""Print the table of configurations of docs/pretraining.md: what each selects from a matrix.

Example: python experiments/describe.py matrix.h5 hg38.fa experiments/pentad/*.yaml
"""

from __future__ import annotations

import argparse
from pathlib import Path

from kipoi_tfb.training.data import load_training_data
from kipoi_tfb.zoo.config import read_config
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("matrix", type=Path)
    parser.add_argument("genome", type=Path)
    parser.add_argument("configs", type=Path, nargs="+")
    arguments = parser.parse_args()
    genome = Genome(arguments.genome)
    print("| entry | TFs | regions resolved | windows that train | that validate | bound, least |")
    print("|---|---|---|---|---|---|")
    with BindingMatrix(arguments.matrix) as matrix:
        for path in arguments.configs:
            config = read_config(path)
            data = load_training_data(config, matrix, genome)
            labels = matrix.labels(data.tfs, kind=config.labels) >= 0
            resolved = int((labels.any(1) if config.resolved == "any" else labels.all(1)).sum())
            least = int((data.train.labels == 1).sum(0).min())
            names = " ".join(data.tfs) if len(data.tfs) <= 10 else str(len(data.tfs))
            figures = (resolved, len(data.train), len(data.validation), least)
            print(f"| `{config.name}` | {names} |", " | ".join(f"{figure:,}" for figure in figures), "|", flush=True)


if __name__ == "__main__":
    main()
