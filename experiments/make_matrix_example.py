"""Make ``tfb_matrix_data/embedded``: a small binding matrix with its sequence, from the peaks of dataloaders/example.

The matrix is what `tfb data build` makes of the peaks on chr22: the peaks of both TFs are the open regions, and each
TF's own are its peaks. Which cells they were measured in the source does not say.

A second run writes the same bytes (with the same zlib and HDF5).

    python experiments/make_matrix_example.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyfaidx
from make_example import CONTIGS, EXAMPLE, FASTA_NAME, MEMBERS, PACKAGE, Peak, bgzip_excerpt, check_excerpt

from tfb_matrix_data.build import build_matrix
from tfb_matrix_data.files import sha256
from tfb_matrix_data.intervals import read_intervals

CONTIG = "chr22"
CELL_TYPE = "not stated"
TF_NAMES = {"MAFK": "MAFK", "OCT4": "POU5F1"}
SOURCE = f"peaks of {PACKAGE} on {CONTIG}; Kopp et al. 2020, doi:10.1038/s41467-020-17155-y"
EMBEDDED = Path(__file__).resolve().parents[1] / "tfb_matrix_data" / "embedded"
FASTA, MATRIX = "hg19.chr22.fa.gz", "matrix.h5"


def read_peaks() -> list[Peak]:
    """Return the peaks of the embedded example on the contig."""
    found = read_intervals(EXAMPLE / "regions.bed")
    with pyfaidx.Fasta(str(EXAMPLE / FASTA_NAME), as_raw=True, rebuild=False) as text:
        return [
            Peak(chrom, start, end, tf, text[chrom][start:end])
            for chrom, start, end, tf in zip(
                found.chrom.tolist(), found.start.tolist(), found.end.tolist(), found.name, strict=True
            )
            if chrom == CONTIG
        ]


def write_sheet(peaks: list[Peak], folder: Path) -> Path:
    """Write the tracks of the peaks and their sample sheet."""
    rows = [f"accessible\topen.bed\t\t{CELL_TYPE}"]
    tracks = {"open.bed": peaks}
    for tf, name in TF_NAMES.items():
        tracks[f"{name}.bed"] = [peak for peak in peaks if peak.tf == tf]
        rows.append(f"peaks\t{name}.bed\t{name}\t{CELL_TYPE}")
    for track, its_peaks in tracks.items():
        (folder / track).write_text("".join(f"{p.chrom}\t{p.start}\t{p.end}\n" for p in its_peaks))
    sheet = folder / "samples.tsv"
    sheet.write_text("\n".join(["kind\tpath\ttf\tcell_type", *rows]) + "\n")
    return sheet


def format_readme(peaks: list[Peak], n_regions: int) -> str:
    """Return the README's text."""
    count = {tf: sum(peak.tf == tf for peak in peaks) for tf in MEMBERS}
    names = (FASTA, f"{FASTA}.fai", f"{FASTA}.gzi", MATRIX)
    sums = "\n".join(f"{sha256(EMBEDDED / name)}  {name}" for name in names)
    return f"""# Embedded matrix: MAFK and POU5F1 on chr22 of hg19

Made by `python experiments/make_matrix_example.py`; do not edit, run it again. `tfb_matrix_data.example()` opens it.

**Source and licence** are those of dataloaders/example: {count["MAFK"]} MAFK and {count["OCT4"]} OCT4 (POU5F1) peaks on
{CONTIG}, of janggu 0.10.2 (GPL-3.0; none of its code is used), Kopp et al. 2020, doi:10.1038/s41467-020-17155-y. The
sequences are stretches of the public human reference genome.

- `{FASTA}` with `.fai` and `.gzi`: {CONTIG} at its full length, N outside of the peaks.
- `{MATRIX}`: {n_regions} regions of 200 bp x 2 TFs, by `tfb data build`. The peaks of both TFs are the open regions, so
  a TF is unbound where the other one was found. The source does not state the cells; the cell type is called so.

```
{sums}
```
"""


def main() -> None:
    """Write all files of the embedded matrix."""
    EMBEDDED.mkdir(exist_ok=True)
    peaks = read_peaks()
    bgzip_excerpt(peaks, EMBEDDED / FASTA, {CONTIG: CONTIGS[CONTIG]})
    check_excerpt(EMBEDDED / FASTA, peaks)
    with tempfile.TemporaryDirectory() as folder:
        sheet = write_sheet(peaks, Path(folder))
        built = build_matrix(sheet, EMBEDDED / MATRIX, EMBEDDED / FASTA, "hg19", SOURCE)
    (EMBEDDED / "README.md").write_text(format_readme(peaks, built.n_regions))
    print(f"{EMBEDDED}: {built.n_regions} regions, codes {built.codes}")


if __name__ == "__main__":
    main()
