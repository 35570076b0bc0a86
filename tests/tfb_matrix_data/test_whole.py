"""The whole published matrix in one step, of a small publication on loopback or in a folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kipoi_tfb.cli import app
from tests.published import places, publish_tfs, write_index
from tfb_matrix_data import BindingMatrix, cache, registry, whole
from tfb_matrix_data.errors import ChecksumError, DownloadError, InputError
from tfb_matrix_data.files import sha256
from tfb_matrix_data.registry import Published
from tfb_matrix_data.whole import files_of_matrix, get_matrix, matrix_path


class Quiet(SimpleHTTPRequestHandler):
    """Notes what it is asked for; `SERVED` says how many requests are answered before it breaks down."""

    def do_GET(self) -> None:
        self.server.seen.append(self.path.rpartition("/")[2])
        if len(self.server.seen) > self.server.most:
            return self.send_error(404)
        return super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def folder(dense, tmp_path, monkeypatch) -> Path:
    """What the authors would have published of `dense`, and a registry of it; the cache is empty."""
    folder = publish_tfs(dense, tmp_path / "published")
    write_index(folder / "regions_idx.pickle.gz", places(41))
    files = {
        path.name: Published(path.name, f"http://127.0.0.1:9/{path.name}", path.stat().st_size, "", sha256(path))
        for path in folder.iterdir()
    }
    for module in (registry, whole):
        monkeypatch.setattr(module, "published", lambda: files)
    monkeypatch.setattr(whole, "fetch", partial(registry.fetch, attempts=1))
    monkeypatch.setenv("TFB_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("TFB_DATA_URL", raising=False)
    return folder


@pytest.fixture
def server(folder, monkeypatch) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as serving:
        serving.seen, serving.most = [], 1000
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        monkeypatch.setenv("TFB_DATA_URL", f"http://127.0.0.1:{serving.server_port}")
        yield serving
        serving.shutdown()


def check(matrix: BindingMatrix, dense) -> None:
    with matrix:
        assert matrix.tfs == list(reversed(dense.tfs)) and matrix.attrs["assembly"] == "hg38"
        assert (matrix.labels(dense.tfs) == dense.labels(None, None, "sparse", None)).all()
        assert matrix.regions.chrom_names == ["chr21", "chrX"] and (matrix.regions.start >= 0).all()


def test_in_one_step_and_later_without_anything(server, dense):
    done: dict[str, int] = {}
    check(BindingMatrix.published(each=lambda what, items: done.setdefault(what, len(items)) and items), dense)
    assert done == {"getting files": 9, "reading matrices": 4}  # two per TF, and one FASTA of 200 bp
    assert len(server.seen) == 12 and not any("500bp" in name for name in server.seen)
    cache.clear(["published"])
    server.most = 0
    check(BindingMatrix.published(), dense)
    assert len(server.seen) == 12
    assert [kept.files for kept in cache.kept() if kept.kind == "matrices"] == [1]


def test_what_was_cut_off_goes_on_where_it_was(server, dense):
    server.most = 6
    with pytest.raises(DownloadError, match=r"cannot be downloaded from .* The whole matrix needs tfs_idx"):
        get_matrix()
    assert not matrix_path().exists() and len(server.seen) == 7
    server.most = 1000
    check(BindingMatrix.published(), dense)
    assert len(server.seen) == 7 + 6 and server.seen.count("tfs_idx.pickle.gz") == 1


def test_where_nothing_can_be_reached_it_says_what_to_put_where(folder, tmp_path):
    with pytest.raises(DownloadError) as caught:
        BindingMatrix.published()
    said = str(caught.value)
    assert f"put them into {tmp_path / 'cache' / 'published'}, or name a folder" in said
    assert "matrix2d.<TF>.ReMap+UniBind.{sparse,less-sparse}.npz of each TF" in said and "--from FOLDER" in said


def test_from_a_folder_by_the_command(folder, dense):
    found = CliRunner().invoke(app, ["data", "get", "matrix", "--from", str(folder)])
    assert found.exit_code == 0 and found.stdout == f"{matrix_path()}\n"
    check(BindingMatrix(matrix_path()), dense)
    found = CliRunner().invoke(app, ["data", "get", "matrix", "tfs_idx.pickle.gz", "--from", str(folder)])
    assert found.stdout.splitlines()[1].endswith("published/tfs_idx.pickle.gz")


def test_a_folder_that_lacks_a_file_or_has_another(folder, dense):
    first = folder / "matrix2d.ATF4.ReMap+UniBind.sparse.npz"
    content = first.read_bytes()
    first.unlink()
    with pytest.raises(InputError, match=r"matrix2d.ATF4.*sparse.npz: no such file; .*The whole matrix needs"):
        get_matrix(folder)
    first.write_bytes(content[:-1])
    with pytest.raises(ChecksumError, match=r"matrix2d.ATF4.ReMap\+UniBind.sparse.npz: has [\d,]+ bytes"):
        get_matrix(folder)
    assert not matrix_path().exists()
    first.write_bytes(content)
    (folder / "tfs_idx.pickle.gz").unlink()  # the cache has it by now
    check(BindingMatrix.published(folder), dense)


@pytest.mark.shared_data
def test_the_registry_has_all_files_of_the_real_matrix(shared_data):
    from tfb_matrix_data.indexes import read_index

    tfs = read_index(shared_data / "upstream" / "tfs_idx.pickle.gz")
    names = [file.name for file in files_of_matrix(tfs)]
    assert len(names) == 2 * 163 + 24 and "sequences.200bp.chrX.fa.gz" in names
