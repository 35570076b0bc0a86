"""Effects of variants on binding: one row per ALT allele, in the input's order, every one accounted for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kipoi_tfb import __version__
from kipoi_tfb.models.device import check_same_numbers, give_back_memory, numeric_identity
from kipoi_tfb.models.run import heard
from kipoi_tfb.output.cluster import piece_maker
from kipoi_tfb.output.pieces import Pieces
from kipoi_tfb.output.progress import progress_bar
from kipoi_tfb.output.workers import Cluster
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.variants.columns import DEFAULT_SCORES, HAPLOTYPE, SCORES, VEFF2
from kipoi_tfb.variants.effects import EffectScorer
from kipoi_tfb.variants.identifiers import finder
from kipoi_tfb.variants.phased import Haplotypes, Phased
from kipoi_tfb.variants.summary import ScoringSummary
from kipoi_tfb.variants.tables import EffectFile, EffectTable, ScoredChunk, Veff2Table, effect_format
from kipoi_tfb.variants.vcf import EffectVcf
from kipoi_tfb.variants.vcf_header import SeenContigs
from kipoi_tfb.variants.vcf_index import SortCheck, write_index
from kipoi_tfb.zoo.null import NULL_FILE
from tfb_matrix_data.alleles import AlleleWindows, AssemblyCheck, allele_windows, normal_texts
from tfb_matrix_data.errors import ConfigError, CutOffError, InputError, TfbError, UnknownNameError
from tfb_matrix_data.fasta_index import file_identity
from tfb_matrix_data.files import sha256
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.intervals import no_contig_of
from tfb_matrix_data.lines import count_lines
from tfb_matrix_data.names import shown
from tfb_matrix_data.variant_lines import VariantLines, open_variants
from tfb_matrix_data.variants import NoVariantError, VariantChunk, iter_chunks, no_variants

__all__ = ["COLUMNS", "SCORES", "ScoringOptions", "ScoringSummary", "score_variants"]

COLUMNS = ("tfb", "kipoi-veff2")
"""Whose names the columns of a table may have."""

_MAX_BYTES = 1 << 24


@dataclass(frozen=True)
class ScoringOptions:
    """How variants are scored and written.

    Attributes
    ----------
    region
        Only records that overlap it; see `tfb_matrix_data.variant_lines.open_variants`.
    ids
        VCF that identifiers are looked up in.
    allele_swap
        Score alleles whose REF the genome does not have, but ALT, as ``swapped``.
    phased
        Sample whose phased genotypes say which alleles are on one haplotype: these are also scored together.
    ignore_assembly
        Do not stop where REF is mostly not what the genome has.
    scores
        Which of `SCORES` are written; default ref, alt, effect and impact; with the names of
        kipoi-veff2 those that it has.
    shifts
        (largest, step) in bp: also write the effect of largest magnitude over shifts of the window.
    top
        How many TFs are named that an allele gains most, and loses most. A tidy table has none of an allele's line.
    columns
        One of `COLUMNS`.
    tidy
        Tables in long form, one row per allele and TF.
    index
        Make an index of a ``.vcf.gz``.
    piece_size
        Alleles per piece of the output: what is lost when a run is killed.
    """

    region: str | None = None
    ids: Path | None = None
    allele_swap: bool = False
    phased: str | None = None
    ignore_assembly: bool = False
    scores: Sequence[str] | None = None
    shifts: tuple[int, int] | None = None
    top: int = 3
    columns: str = "tfb"
    tidy: bool = False
    index: bool = True
    piece_size: int = 4096


def score_variants(
    predictor: Predictor,
    variants: str | Path | Sequence[str],
    genome: Genome,
    output: str | Path,
    options: ScoringOptions | None = None,
    cluster: Cluster | None = None,
) -> ScoringSummary:
    """Write one row per ALT allele, with a status and scores of each TF, or the VCF with these in its INFO.

    Alleles that cannot be scored keep their row, with a status that says why and empty scores. The output is written
    in pieces (`kipoi_tfb.output.pieces`): a killed run, given again, goes on and ends in the same bytes.

    Parameters
    ----------
    predictor
        The networks.
    variants
        See `tfb_matrix_data.variant_lines.open_variants`.
    genome
        Genome of the variants' assembly.
    output
        ``.tsv``, ``.parquet``, ``.h5``, ``.vcf`` or ``.vcf.gz`` (bgzip, with an index). Without any record it has no
        rows, and the summary says so.
    options
        Default `ScoringOptions`.
    cluster
        Whose workers run the networks; default this process. The output is the same.

    Raises
    ------
    AssemblyError
        If REF mostly differs from the genome.
    ConfigError, EntryError
        If options do not fit together, or a null does not fit an entry; see `kipoi_tfb.variants.effects.EffectScorer`.
    InputError
        If the input cannot be read, or the output would take its place; nothing is written then. Where only the end of
        the input is lost, what came before is written, and the summary says so.
    UnfinishedError
        If workers of the cluster could not make a piece; the others are kept, as of a killed run.
    """
    options = options or ScoringOptions()
    _check_not_input(output, (variants if isinstance(variants, str | Path) else "", genome.path, options.ids or ""))
    source = open_variants(variants, options.region, genome, finder(options.ids))
    scorer = _scorer(predictor, genome, options)
    phased = (
        Phased(source.header, options.phased, source.name, genome, predictor.window_length) if options.phased else None
    )
    file = _effect_file(output, scorer, source, options)
    summary = ScoringSummary(notices=[scorer.notice] if scorer.notice else [])
    sorting, contigs = SortCheck(), SeenContigs(genome)
    # A tidy table repeats the text of an allele for every TF.
    max_bytes = _MAX_BYTES // (len(predictor.columns) if options.tidy else 1)
    placed = _placed(iter_chunks(source, options.piece_size, max_bytes), scorer, options, summary, sorting, contigs)
    chunks = phased.of(placed) if phased else ((chunk, windows, None) for chunk, windows in placed)
    known_size = isinstance(variants, str | Path) and not options.region
    bar = progress_bar("scoring", (lambda: count_lines(variants)) if known_size else None)  # type: ignore[arg-type]
    make = partial(_piece, scorer, file, numeric_identity(predictor.device))
    with Pieces(output, _identity(scorer, output, options)) as pieces, bar as advance:
        with file.joined(pieces.whole) as joined:
            with piece_maker(pieces, make, cluster, advance, joined.add) as add:
                for chunk, windows, haplotypes in chunks:
                    digest = hashlib.sha256(chunk.text)
                    if haplotypes is not None:  # these may follow from records of other chunks
                        digest.update(repr((haplotypes.state, haplotypes.others)).encode())
                    add(digest.hexdigest(), _place(chunk), len(chunk.n_alleles), chunk, windows, haplotypes)
            if isinstance(file, EffectVcf):
                file.header = contigs.declared_in(file.header)
            n_rows, n_expected = joined.finish(), file.n_rows(summary.records, summary.alleles)
            if n_rows != n_expected:
                raise TfbError(f"{output}: {n_rows} rows are there for {n_expected}; this is a fault of this program")
        pieces.publish()
        summary.taken_over = pieces.taken_over
    if options.index and effect_format(output) == ".vcf.gz":
        summary.problems += write_index(Path(output), sorting)
    if summary.alleles and not contigs.known:
        summary.problems.append(f"{source.name}: {no_contig_of(genome, contigs.names)}")
    if summary.status["ref_unknown"]:
        summary.warnings.append(_masked(summary, genome))
    if sorting.fault:
        summary.warnings.append(
            f"the input is not sorted ({sorting.fault}): the flag duplicate is about neighbouring records only"
        )
    return summary


def _placed(
    chunks: Iterator[VariantChunk],
    scorer: EffectScorer,
    options: ScoringOptions,
    summary: ScoringSummary,
    sorting: SortCheck,
    contigs: SeenContigs,
) -> Iterator[tuple[VariantChunk, AlleleWindows]]:
    """Yield chunks with the windows of their alleles, counted and looked at."""
    check = None if options.ignore_assembly else AssemblyCheck()
    genome, length = scorer.genome, scorer.predictor.window_length
    for chunk in _until_cut(chunks, summary):
        windows = allele_windows(chunk.variants, genome, length, check, options.allele_swap)
        # Cheap as it is, this is done again for pieces that are there: counts and checks then need no memory.
        summary.count(windows, len(chunk.n_alleles))
        sorting.update(chunk.variants)
        if options.phased and sorting.fault:
            raise InputError(
                chunk.variants.path,
                f"is not sorted ({sorting.fault}): --phased looks for neighbours beside each other; bcftools sort it",
            )
        contigs.update(chunk.variants.chrom)
        yield chunk, windows


def _masked(summary: ScoringSummary, genome: Genome) -> str:
    unknown, n = summary.status["ref_unknown"], summary.alleles
    share = f"{unknown:,} of {n:,} alleles ({100 * unknown / n:.2g} %)"
    return (
        f"{genome.path.name} is masked: it has no known base under REF of {share}, which are not scored (ref_unknown); "
        "the unmasked genome, or one masked by lower case, has them"
    )


def _check_not_input(output: str | Path, inputs: Sequence[str | Path]) -> None:
    for path in inputs:
        if Path(path).is_file() and Path(output).exists() and Path(path).samefile(output):
            raise InputError(output, "is the input, which would be lost; choose another output")


def _piece(
    scorer: EffectScorer,
    file: EffectFile,
    numbers: dict[str, str],
    share: Callable[[float], None],
    chunk: VariantChunk,
    windows: AlleleWindows,
    haplotypes: Haplotypes | None,
) -> Callable[[Path], None]:
    """Score the alleles of a chunk, and return what writes them."""
    check_same_numbers(numbers, scorer.predictor.device)  # a worker may be another machine
    with heard(share):
        effects = scorer(chunk.variants, windows, haplotypes)
    # Here, not by `write`: a genome is for one thread, and this one is at the next windows by then.
    normal = normal_texts(chunk.variants, windows, scorer.genome)

    def write(path: Path) -> None:
        file.write_piece(path, ScoredChunk(chunk, windows.status, windows.flags, normal, *effects))
        give_back_memory()

    return write


def _place(chunk: VariantChunk) -> str:
    """Return where the alleles of a chunk are, for messages."""
    if not len(chunk.variants):
        return "no variant"
    chrom, pos = chunk.variants.chrom, chunk.variants.pos
    end = f"{pos[-1]}" if chrom[-1] == chrom[0] else f"{chrom[-1]}:{pos[-1]}"
    return f"{chrom[0]}:{pos[0]}-{end} ({len(pos)} alleles)"


def _until_cut(chunks: Iterator[VariantChunk], summary: ScoringSummary) -> Iterator[VariantChunk]:
    """Yield chunks, at least one; the loss of what follows becomes a problem, unless nothing came before it."""
    try:
        yield from chunks
    except NoVariantError as error:
        summary.warnings.append(str(error))
        yield no_variants(error.path)  # type: ignore[arg-type]
    except CutOffError as error:
        if not summary.records:
            raise
        summary.problems.append(f"{error}; the {summary.records} records before were scored and written")


def _scorer(predictor: Predictor, genome: Genome, options: ScoringOptions) -> EffectScorer:
    scores = options.scores
    if scores is None:
        scores = DEFAULT_SCORES if options.columns == "tfb" else tuple(VEFF2)
    line, top = not options.tidy, 0 if options.tidy else options.top
    swap, phased = options.allele_swap, options.phased is not None
    return EffectScorer(predictor, genome, scores, options.shifts, line, top, swap, phased)


def _effect_file(output: str | Path, scorer: EffectScorer, source: VariantLines, options: ScoringOptions) -> EffectFile:
    ending, predictor = effect_format(output), scorer.predictor
    if options.columns not in COLUMNS:
        raise UnknownNameError("names of columns", options.columns, COLUMNS)
    if options.columns != "tfb" and (options.tidy or ending.startswith(".vcf")):
        raise ConfigError(f"names of columns ({options.columns}) are for wide tables: .tsv, .parquet or .h5")
    about = f"kipoi-tfb {__version__}, genome {shown(scorer.genome.path.name)}"
    if options.phased is not None:
        about += ", with phased genotypes"
    if options.shifts:
        about += ", windows shifted by up to {} bp in steps of {}".format(*options.shifts)
    models = _models(scorer)
    if not ending.startswith(".vcf"):
        notes = {"tfb_score": about, "tfb_models": json.dumps(models)}
        if options.columns != "tfb":
            return Veff2Table(predictor.columns, predictor.sources, notes, ending)
        return EffectTable(predictor.columns, options.tidy, notes, ending)
    if options.tidy:
        raise ConfigError("a VCF has one line per record: a tidy table is .tsv, .parquet or .h5")
    if scorer.percentiles is not None:
        about += f", percentiles from nulls of sha256 {', '.join(model['null_sha256'] for model in models)}"
    return EffectVcf(
        source.header,
        predictor.columns,
        predictor.sources,
        scorer.scores,
        [*(HAPLOTYPE if scorer.phased else ()), *scorer.line],
        about,
        compress=ending == ".vcf.gz",
    )


def _models(scorer: EffectScorer) -> list[dict[str, str]]:
    """Return name and weights of each entry, and the null that percentiles are taken from."""
    models = scorer.predictor.models
    if scorer.percentiles is not None:
        entries = {id(entry): entry for entry in scorer.predictor.sources}.values()
        models = [m | {"null_sha256": sha256(e.folder / NULL_FILE)} for m, e in zip(models, entries, strict=True)]
    return models


def _identity(scorer: EffectScorer, output: str | Path, options: ScoringOptions) -> dict:
    """Return what the pieces depend on besides the variants."""
    predictor, genome = scorer.predictor, scorer.genome
    return {
        "version": __version__,
        "models": _models(scorer),
        "tfs": predictor.columns,
        "genome": [genome.path.name, file_identity(genome.path)],
        "device": str(predictor.device),
        "precision": str(predictor.precision),
        "batch_size": predictor.batch_size,
        **numeric_identity(predictor.device),
        "format": effect_format(output),
        "region": options.region,
        "allele_swap": options.allele_swap,
        "phased": options.phased,
        "scores": scorer.scores,
        "shifts": options.shifts,
        "line": scorer.line,
        "top": scorer.top,
        "columns": options.columns,
        "tidy": options.tidy,
        "piece_size": options.piece_size,
    }
