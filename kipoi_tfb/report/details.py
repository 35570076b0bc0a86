"""Details of alleles for a report: what the networks and known motifs say of each, made again from the genome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kipoi_tfb.models.logits import effect, impact, probability
from kipoi_tfb.motifs.profiles import PSEUDOCOUNT, Motif
from kipoi_tfb.motifs.scan import MATCH
from kipoi_tfb.prediction.predictor import Predictor
from kipoi_tfb.report import record
from kipoi_tfb.report.record import Contributions, Detail, Row, TfLine, Track
from kipoi_tfb.report.used import used_motifs
from kipoi_tfb.report.words import group_sentence, group_title, limits_of, used_sentence, whole_sentence
from kipoi_tfb.variants.percentiles import Percentiles
from kipoi_tfb.variants.reasons import Group, Reason, Reasons
from kipoi_tfb.variants.site_changes import SiteChange
from kipoi_tfb.variants.view import FLANK, ShownAllele, shown_allele
from kipoi_tfb.zoo.measured import metrics_rows
from tfb_matrix_data.alleles import SCORED, AlleleWindows, allele_windows
from tfb_matrix_data.errors import AssemblyError, EntryError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.names import output_of
from tfb_matrix_data.sequence import UNKNOWN, decode
from tfb_matrix_data.variants import Variants

__all__ = ["details_of"]

_REACH, _STEP = 100, 5  # bp: of the strip of a locus
_OTHERS = 4  # TFs in the table beside those of the groups
_MOST_LEADS, _MOST_TRACKS = 2, 3


def details_of(
    rows: Sequence[Row], genome: Genome, predictor: Predictor, motifs: Sequence[Motif] = ()
) -> Iterator[Detail]:
    """Yield the detail of each of some scored rows of a report, in their order.

    Parameters
    ----------
    rows
        With a status of `tfb_matrix_data.alleles.SCORED`.
    genome
        The genome that they were scored with.
    predictor
        The networks that they were scored with.
    motifs
        Known ones; of those in use for a TF whose logos are drawn the detail says where.

    Raises
    ------
    AssemblyError
        If an allele that was scored cannot be scored with this genome.
    """
    if rows:
        found = _Details(rows, genome, predictor, motifs)
        yield from (found.of(i) for i in range(len(rows)))


class _Details:
    """What is the same for all alleles, and their scores."""

    def __init__(self, rows: Sequence[Row], genome: Genome, predictor: Predictor, motifs: Sequence[Motif]) -> None:
        self.rows, self.genome, self.predictor, self.motifs = rows, genome, predictor, motifs
        self.variants = _variants(rows)
        self.windows = _windows(rows, self.variants, genome, predictor.window_length)
        logits = (*map(torch.from_numpy, predictor.allele_logits(self.windows.ref, self.windows.alt)),)
        self.ref, self.alt = (probability(one).numpy() for one in logits)
        self.effect, self.impact = effect(*logits).numpy(), impact(*logits).numpy()
        self.percentile = _percentiles(predictor, self.variants, self.windows, logits)
        self.reasons = Reasons(predictor.columns)(self.windows, self.ref, self.alt, self.impact)
        self.auprc = _auprc(predictor)

    def of(self, i: int) -> Detail:
        row, reason, columns = self.rows[i], self.reasons[i], self.predictor.columns
        leads = _leads(reason)
        shown = self._shown(i, leads)
        grouped = [column for group in reason.groups for column in group.tfs]
        bound = [columns[j] for j in reason.beside]
        strip = _Strip(self.variants.take(np.array([i])), self.genome, self.predictor, row.status == "swapped")
        weak = [(columns[j], self.auprc[j]) for j in grouped if j in self.auprc]
        return Detail(
            row.number,
            whole_sentence(reason, bound, len(columns)),
            [self._group(i, group) for group in reason.groups],
            bound,
            self._lines(i, [*grouped, *self._others(i, grouped)], shown, leads),
            len(columns),
            [columns[j] for j in leads],
            _bases(shown[0]),
            _bases(shown[1]),
            int(self.windows.start[i]) + 1,
            strip.offsets,
            strip.tracks(list(dict.fromkeys([*leads, *grouped]))[:_MOST_TRACKS]),
            strip.unknown(),
            limits_of(row.flags, self.predictor.window_length, weak),
        )

    def _shown(self, i: int, leads: list[int]) -> list[ShownAllele]:
        windows, pos = self.windows, int(self.windows.start[i]) + 1
        lengths = int(windows.n_ref[i]), int(windows.n_alt[i])
        both = enumerate((windows.ref[i], windows.alt[i]))
        return [shown_allele(self.predictor, codes, pos, lengths, number, FLANK, leads) for number, codes in both]

    def _others(self, i: int, grouped: list[int]) -> list[int]:
        """Return the TFs beside the groups that are bound most."""
        order = np.argsort(-np.fmax(self.ref[i], self.alt[i]), kind="stable").tolist()
        return [j for j in order if j not in grouped][:_OTHERS]

    def _lines(self, i: int, columns: list[int], shown: list[ShownAllele], leads: list[int]) -> list[TfLine]:
        lines = [self._line(i, j, shown, leads) for j in columns]
        if not (self.motifs and leads):
            return lines
        found = used_motifs(self.predictor, self.windows, i, leads, self.motifs)
        used = {self.predictor.columns[j]: [one.record for one in some] for j, some in zip(leads, found, strict=True)}
        return [
            replace(line, used=used[line.tf], used_sentence=used_sentence(line.tf, used[line.tf]))
            if line.tf in used
            else line
            for line in lines
        ]

    def _line(self, i: int, j: int, shown: list[ShownAllele], leads: list[int]) -> TfLine:
        reason = self.reasons[i]
        group = next((number for number, group in enumerate(reason.groups) if j in group.tfs), None)
        site = reason.sites.get(j)
        return TfLine(
            self.predictor.columns[j],
            float(self.ref[i, j]),
            float(self.alt[i, j]),
            float(self.effect[i, j]),
            float(self.impact[i, j]),
            None if self.percentile is None else float(self.percentile[i, j]),
            self.auprc.get(j),
            group,
            _site(site, self.windows, i, shown, j in leads) if site else None,
            _contributions(shown, leads.index(j)) if j in leads else None,
        )

    def _group(self, i: int, group: Group) -> record.Group:
        names = [self.predictor.columns[j] for j in group.tfs]
        lead = self.reasons[i].sites.get(group.tfs[0]) if group.site else None
        start = lead.position(self.windows, i) if lead else None
        return record.Group(
            group_title(group, names),
            group.rises,
            group.crosses,
            names,
            group_sentence(group, names, self.ref[i, group.tfs], self.alt[i, group.tfs]),
            start,
            start + lead.motif.width - 1 if lead and start is not None else None,
            bool(group.site),
        )


def _variants(rows: Sequence[Row]) -> Variants:
    chrom, ref, alt = ([getattr(row, name) for row in rows] for name in ("chrom", "ref", "alt"))
    pos = np.array([row.pos for row in rows], np.int64)
    return Variants(chrom, pos, ["."] * len(rows), ref, alt, np.zeros(len(rows), bool), Path("the scores"))


def _windows(rows: Sequence[Row], variants: Variants, genome: Genome, length: int) -> AlleleWindows:
    windows = allele_windows(variants, genome, length, allele_swap=any(row.status == "swapped" for row in rows))
    for row, status in zip(rows, windows.status, strict=True):
        if status not in SCORED:
            raise AssemblyError(
                f"{genome.path.name}: {row.name} was scored, but cannot be with this genome ({status}); "
                "give the one that the variants were scored with"
            )
    return windows


def _leads(reason: Reason) -> list[int]:
    """Return the TFs whose logos are drawn: of the first groups, else the one that is bound most."""
    return [group.tfs[0] for group in reason.groups[:_MOST_LEADS]] or reason.beside[:1]


def _percentiles(
    predictor: Predictor, variants: Variants, windows: AlleleWindows, logits: Sequence[torch.Tensor]
) -> NDArray[np.float32] | None:
    try:
        found = Percentiles(predictor)
    except EntryError:  # no null: the column is empty
        return None
    return found.matched(variants, windows).scores(*logits)["impact_percentile"]().numpy()


def _auprc(predictor: Predictor) -> dict[int, float]:
    """Return the held-out AUPRC at equal numbers of each column whose entry's table has one."""
    entries = {id(entry): entry for entry in predictor.sources}
    tables = {
        key: {
            row["tf"]: float(row["auprc"]) for row in metrics_rows(entry) if row.get("auprc") not in (None, "", "nan")
        }
        for key, entry in entries.items()
    }
    columns = enumerate(zip(predictor.columns, predictor.sources, strict=True))
    found = {column: tables[id(entry)].get(output_of(name)) for column, (name, entry) in columns}
    return {column: auprc for column, auprc in found.items() if auprc is not None}


def _site(
    site: SiteChange, windows: AlleleWindows, row: int, shown: Sequence[ShownAllele], drawn: bool
) -> record.Site | None:
    if site.best.score < MATCH:
        return None
    number = int(site.best is site.alt)
    first = site.best.start - (windows.ref.shape[1] // 2 - shown[number].own[0])
    fits = first >= 0 and first + site.motif.width <= len(shown[number].column)
    start = site.position(windows, row)
    pfm = site.motif.pfm + PSEUDOCOUNT / 4
    letters = (pfm / pfm.sum(0))[:: -1 if site.best.reverse else 1, :: -1 if site.best.reverse else 1].T
    return record.Site(
        site.motif.matrix_id,
        site.motif.name,
        start,
        start + site.motif.width - 1,
        "-" if site.best.reverse else "+",
        _finite(site.ref.score),
        _finite(site.alt.score),
        True,
        "alt" if number else "ref",
        first if fits else None,
        letters.round(3).tolist() if drawn and fits else (),
    )


def _finite(score: float) -> float | None:
    return score if np.isfinite(score) else None


def _contributions(shown: Sequence[ShownAllele], lead: int) -> Contributions:
    ref, alt = (allele.mutations.contribution[:, lead].astype(float).round(3).tolist() for allele in shown)
    return Contributions(ref, alt)


def _bases(allele: ShownAllele) -> record.ShownAllele:
    return record.ShownAllele(decode(allele.mutations.codes), allele.column.tolist(), allele.own)


class _Strip:
    """The locus of one allele: its windows moved to either side."""

    def __init__(self, variant: Variants, genome: Genome, predictor: Predictor, swapped: bool) -> None:
        self.predictor, self.offsets = predictor, list(range(-_REACH, _REACH + 1, _STEP))
        length = predictor.window_length
        # The allele is applied once, to a window that is wide enough for all of them.
        self.wide = allele_windows(variant, genome, length + 2 * _REACH, allele_swap=swapped)

    def tracks(self, columns: Sequence[int]) -> list[Track]:
        """Return the probabilities of some TFs."""
        if not columns:
            return []
        length, starts = self.predictor.window_length, [_REACH + offset for offset in self.offsets]
        moved = [codes[0, start : start + length] for codes in (self.wide.ref, self.wide.alt) for start in starts]
        found = probability(torch.from_numpy(self.predictor.logits(np.stack(moved)))).numpy()
        ref, alt = np.nan_to_num(found).round(3).astype(float).reshape(2, len(starts), -1)
        return [Track(self.predictor.columns[j], ref[:, j].tolist(), alt[:, j].tolist()) for j in columns]

    def unknown(self) -> list[tuple[int, int]]:
        """Return the stretches of N around the allele, as offsets from its first base."""
        half = self.wide.ref.shape[1] // 2
        around = self.wide.ref[0, half - _REACH : half + _REACH + 1] == UNKNOWN
        stretches, at = [], -_REACH
        for unknown, run in groupby(around.tolist()):
            n = len(list(run))
            if unknown:
                stretches.append((at, at + n - 1))
            at += n
        return stretches
