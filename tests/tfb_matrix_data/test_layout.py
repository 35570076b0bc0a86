"""The HDF5 layout: what is written, what is refused, and that a damaged file never gives wrong labels."""

from __future__ import annotations

import contextlib
import struct
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tfb_matrix_data.errors import InputError, LayoutError, TfbError
from tfb_matrix_data.importers import import_events
from tfb_matrix_data.layout import FORMAT, LAYOUT_VERSION, EventList, open_events, write_events
from tfb_matrix_data.matrix import BindingMatrix


@pytest.fixture
def copied(dense_path: Path, tmp_path: Path) -> Path:
    """A copy of the small matrix that a test may spoil."""
    path = tmp_path / "matrix.h5"
    path.write_bytes(dense_path.read_bytes())
    return path


def _datasets(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def test_the_datasets_are_those_of_the_documentation(dense_path: Path) -> None:
    with h5py.File(dense_path) as file:
        found: dict[str, tuple] = {}
        for name in _datasets(file):
            found[name] = file[name].dtype.str, file[name].shape
        attrs = dict(file.attrs)
    n_bound, n_ambiguous = found["bound/region"][1][0], found["ambiguous/region"][1][0]
    assert found == {
        "tf": ("|S4", (4,)),
        "cell_type": ("|S7", (3,)),
        "profiled": ("|b1", (4, 3)),
        "accessible": ("|u1", (3, 6)),
        "accessible_known": ("|b1", (3,)),
        "bound/indptr": ("<i8", (5,)),
        "bound/region": ("<u4", (n_bound,)),
        "bound/cell_type": ("|u1", (n_bound,)),
        "ambiguous/indptr": ("<i8", (5,)),
        "ambiguous/region": ("<u4", (n_ambiguous,)),
        "ambiguous/cell_type": ("|u1", (n_ambiguous,)),
        "regions/id": ("<u4", (14,)),
        "regions/chrom": ("|u1", (14,)),
        "regions/start": ("<u4", (14,)),
        "regions/chrom_name": ("|S5", (3,)),
    }
    assert {k: v.decode() if isinstance(v, bytes) else v for k, v in attrs.items()} == {
        "format": FORMAT,
        "layout_version": LAYOUT_VERSION,
        "n_regions": 41,
        "region_length": 200,
        "assembly": "synthetic",
        "source": "made by a test",
    }


def test_what_is_written_is_read_back(dense, dense_path: Path) -> None:
    events = dense.events()
    file, read = open_events(dense_path)
    with file:
        assert (read.tfs, read.cell_types, read.chrom_names) == (events.tfs, events.cell_types, events.chrom_names)
        assert read.attrs == events.attrs
        for name in ("profiled", "accessible", "accessible_known", "region_id", "region_chrom", "region_start"):
            assert np.array_equal(getattr(read, name)[:], getattr(events, name)), name
        for kind in ("bound", "ambiguous"):
            for t in range(len(events.tfs)):
                for mine, theirs in zip(getattr(read, kind).of(t), getattr(events, kind).of(t), strict=True):
                    assert np.array_equal(mine, theirs)


def test_the_same_events_give_the_same_bytes(dense, tmp_path: Path) -> None:
    write_events(dense.events(), tmp_path / "a.h5")
    write_events(dense.events(), tmp_path / "another-name.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "another-name.h5").read_bytes()


def test_the_file_does_not_say_when_it_was_written(dense, tmp_path: Path) -> None:
    # HDF5 can keep four times, in seconds, with every object: the same events would give other bytes later.
    before = int(time.time())
    write_events(dense.events(), tmp_path / "a.h5")
    data = (tmp_path / "a.h5").read_bytes()
    assert not [t for t in range(before, int(time.time()) + 1) if struct.pack("<I", t) in data]


def test_a_failed_write_keeps_the_old_file(dense, copied: Path) -> None:
    old = copied.read_bytes()
    with pytest.raises(Exception):  # noqa: B017 (whatever h5py says about None)
        write_events(dense.events(region_start=None), copied)
    assert copied.read_bytes() == old
    assert [p.name for p in copied.parent.iterdir()] == ["matrix.h5"]


@pytest.mark.parametrize("missing", ["coordinates", "bound", "ambiguous"])
def test_a_matrix_without_coordinates_or_without_events_is_written(dense, tmp_path: Path, missing: str) -> None:
    none = EventList(np.zeros(5, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint8))
    changes = {
        "coordinates": {
            "region_id": np.zeros(0, np.uint32),
            "region_chrom": np.zeros(0, np.uint8),
            "region_start": np.zeros(0, np.uint32),
            "chrom_names": [],
        },
        "bound": {"bound": none},
        "ambiguous": {"ambiguous": none},
    }[missing]
    write_events(dense.events(**changes), tmp_path / "m.h5")
    with BindingMatrix(tmp_path / "m.h5") as matrix:
        assert matrix.labels().shape == (41, 4)
        assert (matrix.labels() == 1).any() == (missing != "bound")
        assert (matrix.regions.start < 0).all() == (missing == "coordinates")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.h5: no such file; `tfb data import` makes one"):
        open_events(tmp_path / "nowhere.h5")


@pytest.mark.parametrize("content", [b"", b"chr1\t10\t20\n", bytes(4096)])
def test_what_is_not_hdf5_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(LayoutError, match=r"a\.h5: is not a whole HDF5 file"):
        open_events(tmp_path / "a.h5")


def test_hdf5_of_another_kind_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1, 2]
    with pytest.raises(LayoutError, match="is not a tfb-binding-matrix file; expected a file of `tfb data import`"):
        open_events(tmp_path / "a.h5")


def test_the_public_event_file_is_to_be_imported(copied: Path) -> None:
    with h5py.File(copied, "r+") as file:
        del file.attrs["format"], file.attrs["layout_version"]
    with pytest.raises(LayoutError, match="run `tfb data import` on it first"):
        open_events(copied)


@pytest.mark.parametrize(
    ("version", "advice"), [(LAYOUT_VERSION + 1, "upgrade the package"), (LAYOUT_VERSION - 1, "import the data again")]
)
def test_another_layout_version_says_what_to_do(copied: Path, version: int, advice: str) -> None:
    with h5py.File(copied, "r+") as file:
        file.attrs["layout_version"] = version
    message = f"has layout version {version}, this version reads {LAYOUT_VERSION}; {advice}"
    with pytest.raises(LayoutError, match=message):
        open_events(copied)


@pytest.mark.parametrize("name", ["tf", "profiled", "bound", "ambiguous/region", "regions/start", "regions/chrom_name"])
def test_a_missing_dataset_is_named(copied: Path, name: str) -> None:
    with h5py.File(copied, "r+") as file:
        del file[name]
    with pytest.raises(LayoutError, match=f"is not a complete binding matrix: .*{name.split('/')[-1]}"):
        open_events(copied)


@pytest.mark.parametrize(
    ("name", "first", "message"),
    [
        ("tf", b"SP1\nargs:", r"'SP1\\nargs:' is not a name of a TF"),
        ("cell_type", b"\tB", ".* is not a name of a cell type"),
        ("regions/chrom_name", b"chr 1", "'chr 1' is not a name of a contig"),
        ("tf", b"\xff", "data are damaged or cut off: 'utf-8'"),
    ],
)
def test_a_name_that_is_none_is_refused(copied: Path, name: str, first: bytes, message: str) -> None:
    with h5py.File(copied, "r+") as file:
        names = [first, *file[name][1:]]
        del file[name]
        file[name] = np.array(names, "S32")
    with pytest.raises(LayoutError, match=f"{copied.name}: {message}"):
        open_events(copied)


def test_names_that_are_none_are_not_written(copied: Path, tmp_path: Path) -> None:
    events = import_events(copied)
    for changes, message in (
        ({"tfs": ["SP1\n", *events.tfs[1:]]}, "is not a name of a TF"),
        ({"cell_types": [events.cell_types[1]] * len(events.cell_types)}, "is the name of a cell type twice"),
    ):
        with pytest.raises(LayoutError, match=message):
            write_events(replace(events, **changes), tmp_path / "new.h5")
    assert not (tmp_path / "new.h5").exists()


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("profiled", (100_000, 100_000), r"profiled has shape \(100000, 100000\); expected"),
        ("tf", (10**9,), r"tf has shape \(1000000000,\) of \|S1; names are expected"),
        ("accessible", (2, 10**9), "accessible has shape"),
        ("bound/indptr", (10**9,), "bound/indptr has shape"),
        ("regions/start", (10**10,), "regions/start has shape"),
    ],
)
def test_an_empty_dataset_of_any_size_is_not_believed(copied: Path, name: str, shape: tuple, message: str) -> None:
    with h5py.File(copied, "r+") as file:
        del file[name]
        file.create_dataset(name, shape, "S1" if name == "tf" else "u1", chunks=(1,) * len(shape))
    assert copied.stat().st_size < 1e6
    with pytest.raises(LayoutError, match=message):
        open_events(copied)


def test_more_regions_than_any_genome(copied: Path) -> None:
    with h5py.File(copied, "r+") as file:
        file.attrs["n_regions"] = 10**12
    with pytest.raises(LayoutError, match="has 1,000,000,000,000 regions; at most"):
        open_events(copied)


def test_a_missing_attribute_is_named(copied: Path) -> None:
    with h5py.File(copied, "r+") as file:
        del file.attrs["n_regions"]
    with pytest.raises(LayoutError, match=r"is not a complete binding matrix: .*n_regions"):
        open_events(copied)


def test_a_file_that_is_refused_is_not_left_open(copied: Path) -> None:
    with h5py.File(copied, "r+") as file:
        file.attrs["layout_version"] = 99
    with pytest.raises(LayoutError):
        open_events(copied)
    with h5py.File(copied, "r+"):  # HDF5 refuses to open for writing what is still open for reading
        pass


def _everything(path: Path) -> list:
    with BindingMatrix(path) as matrix:
        regions = matrix.regions
        labels = [matrix.labels(kind=kind).tolist() for kind in ("sparse", "less_sparse")]
        return [matrix.tfs, matrix.cell_types, labels, regions.chrom.tolist(), regions.start.tolist(), matrix.attrs]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.9999])
def test_a_file_that_is_cut_off_is_refused(copied: Path, share: float) -> None:
    data = copied.read_bytes()
    copied.write_bytes(data[: int(share * len(data))])
    with pytest.raises(LayoutError, match=r"matrix\.h5: .*cut off"):
        _everything(copied)


@pytest.mark.parametrize("name", ["accessible", "bound/region", "ambiguous/cell_type", "regions/start", "regions/id"])
def test_a_damaged_chunk_is_reported_as_such(copied: Path, name: str) -> None:
    with h5py.File(copied) as file:
        chunk = file[name].id.get_chunk_info(0)
    data = bytearray(copied.read_bytes())
    middle = chunk.byte_offset + chunk.size // 2
    data[middle : middle + 4] = bytes(b ^ 0xFF for b in data[middle : middle + 4])
    copied.write_bytes(data)
    with pytest.raises(LayoutError, match=r"matrix\.h5: .*damaged or cut off"):
        _everything(copied)


def test_an_end_of_zeros_is_reported_or_harmless(copied: Path) -> None:
    # What an interrupted copy leaves: the full length, of which the end was never written.
    data, whole = copied.read_bytes(), _everything(copied)
    assert b"GCOL" not in data, (
        "a global heap (of variable-length strings): no checksum, and HDF5 hangs on damaged ones"
    )
    for start in range(0, len(data), 512):
        copied.write_bytes(data[:start] + bytes(len(data) - start))
        with contextlib.suppress(TfbError):
            assert _everything(copied) == whole, f"wrong data, silently, with zeros from byte {start} of {len(data)}"


def test_a_hole_of_zeros_is_reported_or_harmless(copied: Path) -> None:
    # Contiguous datasets and the older chunk index have no checksum either: zeros there are read as data.
    data, whole = copied.read_bytes(), _everything(copied)
    assert b"GCOL" not in data, "see above"
    for start in range(0, len(data), 128):
        copied.write_bytes(data[:start] + bytes(len(data[start : start + 512])) + data[start + 512 :])
        with contextlib.suppress(TfbError):
            assert _everything(copied) == whole, (
                f"wrong data, silently, with 512 zeros from byte {start} of {len(data)}"
            )
