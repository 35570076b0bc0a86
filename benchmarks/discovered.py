"""Whether the first pattern in a TF's contributions is its own motif: DeepLIFT and TF-MoDISco on held-out regions.

    python -m benchmarks.discovered --matrix matrix.h5 --genome hg38.fa.gz -o discovered/

A row per TF: in how many of its bound regions contributions were explained, how many patterns TF-MoDISco found there,
what the one of most seqlets is most like among JASPAR's vertebrate profiles, and whether that is the TF's own profile,
one of a TF with which it shares a binding mode, or another. Where it is another, the last column has the first pattern
that is one of its own. Binding modes are those derived from all vertebrate profiles (`tfb_matrix_data.modes.DERIVED`):
JASPAR's clusters are in this package of the matrix's TFs only. Contributions are kept in the folder, and read again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kipoi_tfb.interpretation import Explainer, Source, discover, explain, read_contributions
from kipoi_tfb.motifs import Match, jaspar_motifs
from kipoi_tfb.motifs.tomtom import ALIKE
from kipoi_tfb.zoo.entry import Entry
from kipoi_tfb.zoo.find import find_entry
from tfb_matrix_data.errors import ConfigError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix
from tfb_matrix_data.modes import DERIVED, read_modes

_EVERY = 10_000
_ANOTHER = "another"
TFS = "CTCF,JUND,GATA1,SPI1,HNF4A,CEBPB,MAX,REST,FOXA1,NFYB"


class Line(NamedTuple):
    regions: int
    patterns: int
    seqlets: int
    match: Match
    own: Match | None
    is_own: str
    elsewhere: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", required=True, help="binding matrix made by `tfb data import`")
    parser.add_argument("--genome", required=True, help="FASTA that covers the matrix's regions")
    parser.add_argument("-o", "--output", required=True, type=Path, help="folder for contributions")
    parser.add_argument("--entry", default="multi163")
    parser.add_argument("--tfs", default=TFS)
    parser.add_argument("--chromosomes", default="chr22", help="that did not train the entry")
    parser.add_argument("--most", type=int, default=2000, help="bound regions of a TF, drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    print(
        "| TF | regions | patterns | seqlets of the first | most like | q | own profile's q | it is | own, elsewhere |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    right = 0
    for tf in given.tfs.split(","):
        line = of_tf(tf, find_entry(given.entry), given)
        if isinstance(line, str):
            print(f"| {tf} | {line} |", flush=True)
            continue
        right += line.is_own != _ANOTHER
        own = "" if line.own is None else f"{line.own.q:.1e}"
        print(
            f"| {tf} | {line.regions} | {line.patterns} | {line.seqlets} | {line.match.motif.name} "
            f"({line.match.motif.matrix_id}) | {line.match.q:.1e} | {own} | {line.is_own} | {line.elsewhere} |",
            flush=True,
        )
    print(f"\nown profile or binding mode, q <= {ALIKE:g}: {right} of {len(given.tfs.split(','))}")


def of_tf(tf: str, entry: Entry, given: argparse.Namespace) -> Line | str:
    """Return the line of a TF, or why there is none."""
    path = given.output / f"{tf}.h5"
    if not path.exists():
        bed = given.output / f"{tf}.bed"
        write_regions(tf, bed, given)
        explain(Explainer(entry, [tf], device=given.device), Source(regions=bed, genome=Genome(given.genome)), path)
    try:
        found = discover(read_contributions(path, entry), n_matches=_EVERY)
    except ConfigError as error:
        return str(error)
    first = found.patterns[0]
    ids = {motif.matrix_id for motif in jaspar_motifs([tf])[tf]}
    match = first.matches[0]
    own = next((one for one in first.matches if one.motif.matrix_id in ids), None)
    is_own, elsewhere = whose(match, tf, ids), ""
    if is_own == _ANOTHER:
        other = next((each for each in found.patterns if whose(each.matches[0], tf, ids) != _ANOTHER), None)
        elsewhere = "none" if other is None else f"{other.name}, {len(other.seqlets)} seqlets"
    return Line(found.windows, len(found.patterns), len(first.seqlets), match, own, is_own, elsewhere)


def whose(match: Match, tf: str, ids: set[str]) -> str:
    """Return whether a match is a TF's own profile, one of its binding modes', or another's, or none at all."""
    if match.q > ALIKE:
        return _ANOTHER
    if match.motif.matrix_id in ids:
        return "its own"
    modes = read_modes(DERIVED)
    shared = any(modes.shared(tf, name) for name in match.motif.tf.split("::"))
    return "its binding mode's" if shared else _ANOTHER


def write_regions(tf: str, path: Path, given: argparse.Namespace) -> None:
    """Write the regions that the TF binds, at most so many, as BED."""
    with BindingMatrix(given.matrix) as matrix:
        regions = matrix.regions
        index = regions.on(given.chromosomes.split(","))
        bound = index[matrix.labels([tf], index, "sparse")[:, 0] == 1]
        drawn = np.sort(np.random.default_rng(given.seed).permutation(bound)[: given.most])
        lines = [
            f"{regions.chrom_names[regions.chrom[row]]}\t{regions.start[row]}\t{regions.start[row] + regions.length}\n"
            for row in drawn.tolist()
        ]
    path.write_text("".join(lines))


if __name__ == "__main__":
    main()
