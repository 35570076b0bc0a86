"""Files of contributions: tables, tracks, and HDF5 as TF-MoDISco and finemo read it.

The HDF5 file has, for one TF, ``raw/seq`` (one-hot int8), ``shap/seq`` (hypothetical contributions) and
``projected_shap/seq`` (contributions of the bases that are there), each (windows, 4, length): the layout of chrombpnet,
for ``modisco motifs -i FILE`` and ``finemo extract-regions-chrombpnet-h5``. Beside them ``name``, ``allele``,
``chrom``, ``start``, ``output``, ``reference`` and ``completeness_error`` (windows,); its attributes say of which
weights it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from kipoi_tfb.interpretation.attributions import Contributions
from kipoi_tfb.interpretation.sources import ExplainedWindows, Source
from kipoi_tfb.output.tables import Table, open_table, table_format
from kipoi_tfb.output.tracks import TRACKS, is_track, open_track
from kipoi_tfb.zoo.entry import Entry
from tfb_matrix_data.bounded import check_file
from tfb_matrix_data.errors import ConfigError, InputError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.sequence import ALPHABET, UNKNOWN, one_hot

__all__ = ["About", "Piece", "ReadContributions", "check_format", "read_contributions", "write_output"]

_TF = "{tf}"
_MOST_IN_TRACK = 200_000
_MOST_READ = 200_000
"""Windows of a file that are read at once: a gigabyte or two."""
_MOST_BASES = 200 * _MOST_READ
_NO_FILE = "is no HDF5 file of `tfb explain`"
_LETTERS = np.array(list(ALPHABET))


class About(NamedTuple):
    """What contributions are of.

    Attributes
    ----------
    program, entry, weights_sha256
        What made them, of which network.
    method, references
        How, and compared with what.
    """

    program: str
    entry: str
    weights_sha256: str
    method: str
    references: str


class Piece(NamedTuple):
    """Some windows and their contributions; the fields of `Contributions` behind the first."""

    windows: ExplainedWindows
    hypothetical: NDArray[np.float32]
    output: NDArray[np.float32]
    reference: NDArray[np.float32]
    error: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write the piece, to be read by `read`."""
        with open(path, "wb") as file:
            np.savez(file, **self.windows._asdict(), **self.contributions._asdict())

    @classmethod
    def read(cls, path: Path) -> Piece:
        """Read what `write` wrote."""
        with np.load(path, allow_pickle=False) as held:
            windows = ExplainedWindows(*(held[name] for name in ExplainedWindows._fields))
            return cls(windows, *(held[name] for name in Contributions._fields))

    @property
    def contributions(self) -> Contributions:
        """Return all but the windows."""
        return Contributions(*self[1:])


class ReadContributions(NamedTuple):
    """Contributions of one TF from a file.

    Attributes
    ----------
    one_hot
        int8 (windows, 4, length).
    hypothetical
        float32 (windows, 4, length).
    error
        float64 (windows,): completeness error.
    tf
        Name.
    about
        What they are of.
    output, reference
        float32 (windows,): logit of the window, and mean logit of its references.
    name, allele, chrom, start
        Of the windows, see `kipoi_tfb.interpretation.sources.ExplainedWindows`.
    """

    one_hot: NDArray[np.int8]
    hypothetical: NDArray[np.float32]
    error: NDArray[np.float64]
    tf: str
    about: About
    output: NDArray[np.float32]
    reference: NDArray[np.float32]
    name: NDArray[np.str_]
    allele: NDArray[np.str_]
    chrom: NDArray[np.str_]
    start: NDArray[np.int64]

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Return the windows, uint8 (windows, length)."""
        return np.where(self.one_hot.any(1), self.one_hot.argmax(1), UNKNOWN).astype(np.uint8)


def read_contributions(path: str | Path, entry: Entry | None = None) -> ReadContributions:
    """Return the contributions of an HDF5 file of `tfb explain`.

    Parameters
    ----------
    path
        The file.
    entry
        Whose weights they must be of.

    Raises
    ------
    InputError
        If it is no such file or damaged, has too many windows to be held in memory, or is of other weights.
    """
    try:
        check_file(path)
        with h5py.File(path) as file:
            found = _read(file, path)
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise InputError(path, f"{_NO_FILE} ({error})") from None
    about = found.about
    if entry is not None and about.weights_sha256 != entry.card.weights.sha256:
        raise InputError(
            path,
            f"holds contributions of other weights ({about.entry}, {about.weights_sha256[:12]}...) than those of "
            f"{entry.name} ({entry.card.weights.sha256[:12]}...); run `tfb explain` with the entry that you mean",
        )
    return found


def _read(file: h5py.File, path: str | Path) -> ReadContributions:
    shape: tuple[int, ...] = getattr(file["raw/seq"], "shape", ())
    if len(shape) != 3 or not shape[0]:
        raise InputError(path, f"{_NO_FILE}: raw/seq has shape {shape}, expected (windows, 4, length)")
    n, _, length = shape
    if n > _MOST_READ or n * length > _MOST_BASES:
        raise InputError(
            path,
            f"has {n:,} windows of {length:,} bp, and at most {_MOST_READ:,} of 200 bp are read at once; explain fewer "
            "regions at a time",
        )

    def held(name: str, kinds: str, shape: tuple[int, ...] = (n,)) -> NDArray:
        data = file[name]
        if not isinstance(data, h5py.Dataset) or data.dtype.kind not in kinds or data.shape != shape:
            kind, there = (getattr(data, field, "none") for field in ("dtype", "shape"))
            raise InputError(path, f"{_NO_FILE}: {name} is {kind} of shape {there}, expected numbers of shape {shape}")
        return data[:]

    def texts(name: str) -> NDArray[np.str_]:
        data = file[name]
        if not isinstance(data, h5py.Dataset) or h5py.check_string_dtype(data.dtype) is None or data.shape != (n,):
            raise InputError(path, f"{_NO_FILE}: {name} is not a text for each of the {n} windows")
        return np.array(data.asstr()[:], str)

    tf, *about = (file.attrs[name] for name in ("tf", *About._fields))
    if not all(isinstance(one, str) for one in (tf, *about)):
        raise InputError(path, f"{_NO_FILE}: an attribute is not text")
    one_hot_held, hypothetical = held("raw/seq", "iu", (n, 4, length)), held("shap/seq", "f", (n, 4, length))
    if ((one_hot_held != 0) & (one_hot_held != 1)).any() or (one_hot_held.sum(1) > 1).any():
        raise InputError(path, f"{_NO_FILE}: raw/seq is not one-hot, a 1 for the base that is there and 0 else")
    if not np.isfinite(hypothetical).all():
        raise InputError(path, f"{_NO_FILE}: shap/seq has values that are not finite")
    return ReadContributions(
        one_hot=one_hot_held.astype(np.int8),
        hypothetical=hypothetical.astype(np.float32),
        error=held("completeness_error", "f"),
        tf=tf,
        about=About(*about),
        output=held("output", "f"),
        reference=held("reference", "f"),
        name=texts("name"),
        allele=texts("allele"),
        chrom=texts("chrom"),
        start=held("start", "iu"),
    )


def check_format(output: Path, tfs: list[str], source: Source) -> None:
    """Check that contributions of these TFs and windows can become such a file.

    Raises
    ------
    InputError
        If the ending is none that is written.
    ConfigError
        If there are several TFs for one file, or the windows have no place in a track.
    """
    if is_track(output):
        if source.regions is None:
            raise ConfigError(f"{output.name}: a track is of --regions of a genome; choose .tsv, .parquet or .h5")
        n = source.count() or 0
        if n > _MOST_IN_TRACK:
            raise ConfigError(
                f"{source.regions} has {n:,} regions, and at most {_MOST_IN_TRACK:,} become a track, which is sorted "
                "in memory; give them by chromosome, or write .h5, which is streamed"
            )
    if is_track(output) or table_format(output, TRACKS) == ".h5":
        _paths(output, tfs)
    elif _TF in output.name:
        raise ConfigError(f"{output.name}: a table has all TFs, in a column of their own; leave {_TF} out")


def write_output(
    output: str | Path,
    tfs: list[str],
    pieces: Callable[[], Iterator[Piece]],
    n: int,
    about: About,
    source: Source,
) -> list[Path]:
    """Write n windows that `pieces` gives, from the first on whenever it is called; return the files."""
    output = Path(output)
    if is_track(output):
        paths = _paths(output, tfs)
        for column, path in enumerate(paths):
            _write_track(path, pieces(), column, {} if source.genome is None else source.genome.lengths)
        return paths
    if table_format(output) == ".h5":
        paths = _paths(output, tfs)
        with ExitStack() as stack:
            temporary = [stack.enter_context(atomic_path(path)) for path in paths]
            _write_hdf5(temporary, tfs, pieces(), n, about)
        return paths
    with open_table(output) as table:
        for piece in pieces():
            table.write(_rows(piece, tfs))
    return [output]


def _paths(output: Path, tfs: list[str]) -> list[Path]:
    """Return the file of each TF: the output, with the TF's name where it says ``{tf}``."""
    from kipoi_tfb.prediction.tracks import track_paths

    return track_paths(output, tfs)


def _rows(piece: Piece, tfs: list[str]) -> Table:
    """Return a row per window, TF and known base."""
    windows = piece.windows
    values = piece.contributions.of_bases(windows.codes)
    known = np.broadcast_to((windows.codes < UNKNOWN)[:, None], values.shape)
    window, tf, place = np.nonzero(known)
    return {
        "name": windows.name[window],
        "allele": windows.allele[window],
        "chrom": windows.chrom[window],
        "pos": windows.start[window] + place + 1,
        "base": _LETTERS[windows.codes[window, place]],
        "tf": np.array(tfs)[tf],
        "contribution": values[window, tf, place],
        "output": piece.output[window, tf],
        "reference": piece.reference[window, tf],
        "completeness_error": piece.error[window, tf],
    }


def _write_hdf5(paths: list[Path], tfs: list[str], pieces: Iterator[Piece], n: int, about: About) -> None:
    with ExitStack() as stack:
        files: list[Any] = [stack.enter_context(h5py.File(path, "w")) for path in paths]
        for file, tf in zip(files, tfs, strict=True):
            file.attrs.update({**about._asdict(), "tf": tf})
        start = 0
        for piece in pieces:
            end = start + len(piece.windows.codes)
            hot = one_hot(piece.windows.codes, np.int8)
            for column, file in enumerate(files):
                given = piece.hypothetical[:, column]
                columns = {
                    "raw/seq": hot,
                    "shap/seq": given,
                    "projected_shap/seq": given * hot,
                    "output": piece.output[:, column],
                    "reference": piece.reference[:, column],
                    "completeness_error": piece.error[:, column],
                    "start": piece.windows.start,
                    **{name: getattr(piece.windows, name).astype(object) for name in ("name", "allele", "chrom")},
                }
                for name, values in columns.items():
                    if name not in file:
                        kind = h5py.string_dtype() if values.dtype == object else values.dtype
                        file.create_dataset(name, (n, *values.shape[1:]), kind, compression="gzip")
                    file[name][start:end] = values
            start = end


def _write_track(path: Path, pieces: Iterator[Piece], column: int, sizes: Mapping[str, int]) -> None:
    """Write the contributions to one TF; a base of several windows has their mean."""
    parts = list(_of_one(pieces, column))
    chrom = np.concatenate([part[0] for part in parts])
    start = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    with open_track(path, sizes) as track:
        for name in sorted(set(chrom.tolist()) & set(sizes)):
            rows = np.flatnonzero(chrom == name)
            place, value = _mean_by_base(start[rows], values[rows])
            there = (place >= 0) & (place < sizes[name])
            track.write(name, place[there], place[there] + 1, value[there])


def _of_one(pieces: Iterator[Piece], column: int) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    for piece in pieces:
        codes = piece.windows.codes
        values = piece.contributions._replace(hypothetical=piece.hypothetical[:, [column]]).of_bases(codes)[:, 0]
        yield piece.windows.chrom, piece.windows.start, np.where(codes < UNKNOWN, values, np.float32(np.nan))


def _mean_by_base(
    start: NDArray[np.int64], values: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the bases that windows cover, ascending, and the mean of their known values."""
    place = (start[:, None] + np.arange(values.shape[1])).ravel()
    known = ~np.isnan(values.ravel())
    bases, inverse = np.unique(place[known], return_inverse=True)
    sums = np.bincount(inverse, values.ravel()[known])
    return bases, sums / np.bincount(inverse)
