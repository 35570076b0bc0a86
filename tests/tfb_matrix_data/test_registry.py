"""The registry of published files, its cache folder, and its commands."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kipoi_tfb.cli import app
from tests.server import CONTENT, Server, cached, entry, get, git_sha1
from tfb_matrix_data import registry
from tfb_matrix_data.errors import ChecksumError, DownloadError, InputError, UnknownNameError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.registry import Published, find, local_path, published, select, take, verify

pytest_plugins = ("tests.server",)


def test_the_table_has_the_published_files_and_the_genome() -> None:
    files = published()
    assert len(files) == 518
    assert len({file.url for file in files.values()}) == 518
    for file in files.values():
        assert re.fullmatch("[0-9a-f]{64}", file.sha256) or re.fullmatch("[0-9a-f]{40}", file.git_blob_sha1)
    genome = files["hg38.fa.gz"]
    assert (genome.size, genome.url.split("/")[2]) == (983_659_424, "hgdownload.soe.ucsc.edu")
    jund = files["matrix2d.JUND.ReMap+UniBind.sparse.npz"]
    assert registry.COMMIT in jund.url and jund.url.endswith(
        "/matrix/UCSC/200bp/matrix2d.JUND.ReMap%2BUniBind.sparse.npz"
    )


@pytest.mark.shared_data
def test_the_table_is_what_the_list_of_files_says(shared_data: Path) -> None:
    lines = (shared_data / "upstream" / "FILES.tsv").read_text().splitlines()[1:]
    known = {file.url.split(f"{registry.COMMIT}/")[-1]: file for file in published().values()}
    for path, sha1, size, digest in (line.split("\t") for line in lines):
        file = known[path.replace("+", "%2B")]
        assert (file.git_blob_sha1, str(file.size or ""), file.sha256) == (sha1, size, digest)


@pytest.mark.shared_data
def test_the_real_files_have_their_checksums_of_both_kinds(shared_data: Path) -> None:
    for name in ("tfs_idx.pickle.gz", "matrix2d.SP1.ReMap+UniBind.sparse.npz"):
        file, path = published()[name], shared_data / "upstream" / name
        verify(path, file)
        verify(path, Published(name, "", None, file.git_blob_sha1, ""))
        with pytest.raises(ChecksumError, match="git blob sha1"):
            verify(path, Published(name, "", None, file.git_blob_sha1[::-1], ""))


def test_git_blob_sha1_is_that_of_git(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"what is up, doc?")  # the example of the Pro Git book
    assert registry.git_blob_sha1(tmp_path / "a") == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"


def test_select_takes_names_and_patterns_once_and_in_order() -> None:
    names = [file.name for file in select(["tfs_idx.pickle.gz", "*_idx.pickle.gz"])]
    assert names == ["tfs_idx.pickle.gz", "regions_idx.pickle.gz", "samples_idx.pickle.gz"]
    assert len(select(["bioRxiv/200bp/*"])) == 3


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("jund", "matrix2d.JUND.ReMap"),
        ("*JNUD*", "matrix2d.JUND.ReMap"),
        ("qqqq", r"518 in all"),
        ("hg38.fa", "hg38.fa.gz"),
    ],
)
def test_unknown_names_get_suggestions(asked: str, suggested: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown published file .*{suggested}"):
        select([asked])


def test_a_file_put_there_by_hand_is_used_if_right_and_replaced_if_wrong(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    path = local_path(entry())
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert get(entry()) == path and server.seen == []
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ChecksumError, match=r"has 999,999 bytes, .* has 1,000,000"):
        find(entry())
    assert get(entry()).read_bytes() == CONTENT
    assert "getting it anew" in caplog.text


def test_a_wrong_file_stays_where_nothing_better_can_be_had(server: Server) -> None:
    path = local_path(entry())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    server.plan = ["404"]
    with pytest.raises(DownloadError):
        get(entry())
    assert path.read_bytes() == b"mine" and cached() == ["a+b.npz"]


def test_a_pointer_of_git_lfs_is_not_the_file(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    (tmp_path / "a").write_bytes(pointer)
    with pytest.raises(ChecksumError, match="pointer to a file in Git LFS"):
        verify(tmp_path / "a", entry(size=None, git_blob_sha1=git_sha1(pointer), sha256=""))


@pytest.mark.parametrize("links", [True, False])
def test_take_checks_what_it_takes(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no hard links here")))
    source = tmp_path / "disk" / "a+b.npz"
    source.parent.mkdir()
    with pytest.raises(InputError, match=r"disk/a\+b\.npz: no such file; it is published at http"):
        take(entry(), source.parent)
    source.write_bytes(CONTENT)
    path = take(entry(), source.parent)
    assert path == local_path(entry()) and path.read_bytes() == CONTENT
    assert path.samefile(source) is links
    assert take(entry(), source.parent) == path  # once more: hard links to one file do not rename onto each other
    assert cached() == ["a+b.npz"] and server.seen == []

    source.unlink()
    source.write_bytes(CONTENT[::-1])
    with pytest.raises(ChecksumError, match=r"disk/a\+b\.npz: its sha256"):
        take(entry(), source.parent)
    assert path.read_bytes() == CONTENT and cached() == ["a+b.npz"]


def test_take_does_not_write_through_the_link_that_a_killed_process_left(server: Server, tmp_path: Path) -> None:
    other, folder, path = tmp_path / "other", tmp_path / "disk", local_path(entry())
    folder.mkdir()
    path.parent.mkdir(parents=True)
    other.write_bytes(b"of the user")
    (folder / "a+b.npz").write_bytes(CONTENT)
    with pytest.raises(ValueError), atomic_path(path) as temporary:
        raise ValueError
    temporary.parent.mkdir()
    temporary.hardlink_to(other)
    take(entry(), folder)
    assert other.read_bytes() == b"of the user"


@pytest.fixture
def small(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, and a registry of two files that it has and one that it spoils."""
    files = {name: entry(name) for name in ("one.npz", "two.npz")} | {"bad.gz": entry("bad.gz", CONTENT[1:] + b"x")}
    monkeypatch.setattr(registry, "published", lambda: files)
    return server


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["data", *args])
    return result.exit_code, result.stdout, str(result.exception or "")


def test_commands_get_list_and_find(small: Server) -> None:
    assert run("ls")[1] == "name\tbytes\tcached\none.npz\t1000000\tno\ntwo.npz\t1000000\tno\nbad.gz\t1000000\tno\n"
    code, _, error = run("path", "one.npz")
    assert code == 1 and "one.npz is not there; `tfb data get 'one.npz'`" in error
    code, out, _ = run("get", "*.npz")
    assert code == 0
    assert [Path(line).read_bytes() == CONTENT for line in out.splitlines()] == [True, True]
    local_path(entry("two.npz")).write_bytes(b"cut")
    assert run("ls", "*.npz")[1].splitlines()[1:] == ["one.npz\t1000000\tyes", "two.npz\t1000000\tdamaged"]
    assert run("path", "one.npz")[:2] == (0, f"{local_path(entry('one.npz'))}\n")
    assert run("path", "two.npz")[0] == 1
    code, _, error = run("path", "oen.npz")
    assert code == 1 and "Did you mean one.npz" in error


def test_get_from_a_folder_does_not_touch_the_network(small: Server, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    code, _, error = run("get", "*.npz", "--from", str(folder))
    assert code == 1 and "has none of the 2 published files that match *.npz" in error
    (folder / "two.npz").write_bytes(CONTENT)
    assert run("get", "*.npz", "--from", str(folder))[:2] == (0, f"{local_path(entry('two.npz'))}\n")
    code, _, error = run("get", "one.npz", "--from", str(folder))
    assert code == 1 and "one.npz: no such file" in error
    assert small.seen == []


def test_get_of_a_spoilt_file_fails(small: Server) -> None:
    code, out, error = run("get", "bad.gz")
    assert (code, out) == (1, "") and "what the server sends is not bad.gz" in error
