"""Effects of variants on binding: one row per ALT allele, in the input's order, every one accounted for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb import __version__
from kipoi_tfb.effect_files import SCORES, EffectFile, EffectTable, EffectVcf, ScoredChunk, effect_format
from kipoi_tfb.pieces import Pieces
from kipoi_tfb.predictor import Predictor
from kipoi_tfb.progress import progress_bar
from kipoi_tfb.scores import effect, probability
from kipoi_tfb.vcf_index import SortCheck, write_index
from tfb_matrix_data.alleles import AlleleWindows, AssemblyCheck, allele_windows
from tfb_matrix_data.errors import ConfigError, CutOffError, TfbError
from tfb_matrix_data.files import count_lines
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.variant_lines import VariantLines, open_variants
from tfb_matrix_data.variants import VariantChunk, iter_chunks

__all__ = ["SCORES", "ScoringOptions", "ScoringSummary", "score_variants"]

_MAX_BYTES = 1 << 24


@dataclass(frozen=True)
class ScoringOptions:
    """How variants are scored and written.

    Attributes
    ----------
    region
        Only records that overlap it; see `tfb_matrix_data.variant_lines.open_variants`.
    allele_swap
        Score alleles whose REF the genome does not have, but ALT, as ``swapped``.
    ignore_assembly
        Do not stop where REF is mostly not what the genome has.
    scores
        Which of `SCORES` are written.
    tidy
        Tables in long form, one row per allele and TF.
    index
        Make an index of a ``.vcf.gz``.
    piece_size
        Alleles per piece of the output: what is lost when a run is killed.
    """

    region: str | None = None
    allele_swap: bool = False
    ignore_assembly: bool = False
    scores: Sequence[str] = tuple(SCORES)
    tidy: bool = False
    index: bool = True
    piece_size: int = 8192


@dataclass
class ScoringSummary:
    """What became of the alleles.

    Attributes
    ----------
    records, alleles
        How many were read; as many were written.
    status, flags
        How many alleles have each.
    taken_over
        Pieces that an earlier, killed run had finished.
    problems
        What is wrong although the output was written: the end of the input is lost, no index could be made.
    """

    records: int = 0
    alleles: int = 0
    status: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    taken_over: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, windows: AlleleWindows, records: int = 0) -> None:
        """Add a chunk."""
        self.records += records
        self.alleles += len(windows.status)
        self.status.update(windows.status)
        for flags in windows.flags:
            if flags != ".":
                self.flags.update(flag.partition("=")[0] for flag in flags.split(";"))


def score_variants(
    predictor: Predictor,
    variants: str | Path | Sequence[str],
    genome: Genome,
    output: str | Path,
    options: ScoringOptions | None = None,
) -> ScoringSummary:
    """Write one row per ALT allele, with a status and scores of each TF, or the VCF with these in its INFO.

    Alleles that cannot be scored keep their row, with a status that says why and empty scores. The output is written
    in pieces (`kipoi_tfb.pieces`): a killed run, given again, goes on and ends in the same bytes.

    Parameters
    ----------
    predictor
        The networks.
    variants
        See `tfb_matrix_data.variant_lines.open_variants`.
    genome
        Genome of the variants' assembly.
    output
        ``.tsv``, ``.parquet``, ``.h5``, ``.vcf`` or ``.vcf.gz`` (bgzip, with an index).
    options
        Default `ScoringOptions`.

    Raises
    ------
    AssemblyError
        If REF mostly differs from the genome.
    InputError
        If the input cannot be read; nothing is written then. Where only the end of it is lost, what came before is
        written, and the summary says so.
    """
    options = options or ScoringOptions()
    source = open_variants(variants, options.region)
    file = _effect_file(output, predictor, genome, source, options)
    summary = ScoringSummary()
    check = None if options.ignore_assembly else AssemblyCheck()
    sorting = SortCheck() if options.index and effect_format(output) == ".vcf.gz" else None
    # A tidy table repeats the text of an allele for every TF.
    max_bytes = _MAX_BYTES // (len(predictor.columns) if options.tidy else 1)
    known_size = isinstance(variants, str | Path) and Path(variants).is_file() and not options.region
    bar = progress_bar("scoring", (lambda: count_lines(variants)) if known_size else None)  # type: ignore[arg-type]
    with Pieces(output, _identity(predictor, genome, output, options)) as pieces, bar as advance:
        for chunk in _until_cut(iter_chunks(source, options.piece_size, max_bytes), summary):
            windows = allele_windows(chunk.variants, genome, predictor.window_length, check, options.allele_swap)
            # Cheap as it is, this is done again for pieces that are there: counts and checks then need no memory.
            summary.count(windows, len(chunk.lines))
            if sorting is not None:
                sorting.update(chunk.variants)

            def write(path: Path, chunk: VariantChunk = chunk, windows: AlleleWindows = windows) -> None:
                file.write_piece(path, _score(chunk, windows, predictor, options.scores))

            pieces.add(hashlib.sha256(b"".join(chunk.lines)).hexdigest(), write)
            advance(len(chunk.lines))
        n_rows, n_expected = file.join(pieces.paths, Path(output)), file.n_rows(summary.records, summary.alleles)
        if n_rows != n_expected:
            Path(output).unlink()
            raise TfbError(f"{output}: {n_rows} rows were written for {n_expected}; this is a fault of this program")
        summary.taken_over = pieces.taken_over
    if sorting is not None:
        summary.problems += write_index(Path(output), sorting)
    return summary


def _until_cut(chunks: Iterator[VariantChunk], summary: ScoringSummary) -> Iterator[VariantChunk]:
    """Yield chunks; the loss of what follows becomes a problem, unless nothing came before it."""
    try:
        yield from chunks
    except CutOffError as error:
        if not summary.records:
            raise
        summary.problems.append(f"{error}; the {summary.records} records before were scored and written")


def _effect_file(
    output: str | Path, predictor: Predictor, genome: Genome, source: VariantLines, options: ScoringOptions
) -> EffectFile:
    ending = effect_format(output)
    unknown = [score for score in options.scores if score not in SCORES]
    if unknown or not options.scores:
        raise ConfigError(f"scores are {', '.join(SCORES)}; found {', '.join(map(repr, unknown)) or 'none'}")
    if ending not in (".vcf", ".vcf.gz"):
        return EffectTable(predictor.columns, options.tidy)
    if options.tidy:
        raise ConfigError("a VCF has one line per record: a tidy table is .tsv, .parquet or .h5")
    about = f"kipoi-tfb {__version__}, genome {genome.path.name}"
    return EffectVcf(
        source.header, predictor.columns, predictor.sources, options.scores, about, compress=ending == ".vcf.gz"
    )


def _identity(predictor: Predictor, genome: Genome, output: str | Path, options: ScoringOptions) -> dict:
    """Return what the pieces depend on besides the variants."""
    stat = genome.path.stat()
    entries = {id(entry): entry for entry in predictor.sources}.values()
    return {
        "version": __version__,
        "models": [[entry.card.name, entry.card.weights.sha256] for entry in entries],
        "tfs": predictor.columns,
        "genome": [genome.path.name, stat.st_size, stat.st_mtime_ns],
        "device": str(predictor.device),
        "precision": str(predictor.precision),
        "batch_size": predictor.batch_size,
        "format": effect_format(output),
        "region": options.region,
        "allele_swap": options.allele_swap,
        "scores": list(options.scores),
        "tidy": options.tidy,
        "piece_size": options.piece_size,
    }


def _score(chunk: VariantChunk, windows: AlleleWindows, predictor: Predictor, scores: Sequence[str]) -> ScoredChunk:
    scored = windows.scored
    shape = (len(chunk.variants), len(predictor.columns))
    values: dict[str, NDArray[np.float32]] = {name: np.full(shape, np.nan, np.float32) for name in scores}
    if len(scored):
        both = predictor.logits(np.concatenate([windows.ref[scored], windows.alt[scored]]))
        ref, alt = torch.from_numpy(both).chunk(2)
        found = {"ref": lambda: probability(ref), "alt": lambda: probability(alt), "effect": lambda: effect(ref, alt)}
        for name in scores:
            values[name][scored] = found[name]().numpy()
    return ScoredChunk(chunk, windows.status, windows.flags, values)
