"""The registry and its downloads, against a server on loopback that cuts off, spoils, stalls and refuses."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import multiprocessing
import os
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kipoi_tfb.cli import app
from tfb_matrix_data import registry
from tfb_matrix_data.download import part_path
from tfb_matrix_data.errors import ChecksumError, DownloadError, InputError, UnknownNameError
from tfb_matrix_data.files import atomic_path
from tfb_matrix_data.registry import Published, fetch, find, local_path, published, select, take, verify

CONTENT = random.Random(5).randbytes(1_000_000)
CUT = 400_000


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def entry(name: str = "a+b.npz", content: bytes = CONTENT, **changes: object) -> Published:
    digest = hashlib.sha256(content).hexdigest()
    fields = {"name": name, "url": "http://127.0.0.1:9/nowhere", "size": len(content), "git_blob_sha1": ""}
    return Published(**{**fields, "sha256": digest, **changes})


class Server(ThreadingHTTPServer):
    """Serves CONTENT at every address; `plan` says how each request in turn is treated, "good" after its end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan: list[str] = []
        self.seen: list[tuple[str, str | None]] = []
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/mirror/"

    @property
    def ranges(self) -> list[str | None]:
        return [asked for _, asked in self.seen]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.seen.append((self.path, asked))
        treatment = self.server.plan.pop(0) if self.server.plan else "good"
        if treatment.isdigit():
            return self.send_error(int(treatment))
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and treatment != "no-range" else 0
        if start >= len(CONTENT):
            return self.send_error(416)
        if treatment == "wrong-range":
            start -= 1000
        body = bytes(len(CONTENT) - start) if treatment == "spoilt" else CONTENT[start:]
        self.send_response(206 if start else 200)
        if treatment != "no-length":
            self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        if treatment in ("cut", "no-length", "stall"):
            body = body[:CUT]
        if treatment == "slow":
            self.wfile.write(body[:CUT])
            time.sleep(0.4)
            body = body[CUT:]
        try:
            self.wfile.write(body)
        except ConnectionError:
            return None
        if treatment == "stall":
            self.wfile.flush()
            self.server.release.wait(10)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server, and an empty cache folder."""
    monkeypatch.setenv("TFB_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("TFB_DATA_URL", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as made:
        monkeypatch.setenv("TFB_DATA_URL", made.url)
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        made.release.set()
        made.shutdown()


def get(file: Published, **options: object) -> Path:
    return fetch(file, **{"backoff": 0.01, "timeout": 5, **options})


def cached(name: str = "a+b.npz") -> list[str]:
    """Files of the cache folder."""
    return sorted(path.name for path in local_path(entry(name)).parent.glob("*"))


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


def test_a_download_is_checked_and_then_needs_no_network(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    path = get(entry(), progress=seen.append)
    assert path.read_bytes() == CONTENT
    assert cached() == ["a+b.npz"]
    assert sum(seen) == len(CONTENT)
    assert server.seen == [("/mirror/a%2Bb.npz", None)]
    assert get(entry()) == path == find(entry())
    assert len(server.seen) == 1
    monkeypatch.setattr(registry, "download", None)  # not even a part is opened: the folder may be read-only
    assert get(entry()) == path


def test_a_file_known_by_its_git_blob_only(server: Server) -> None:
    file = entry(size=None, git_blob_sha1=git_sha1(CONTENT), sha256="")
    assert get(file).read_bytes() == CONTENT
    server.plan = ["spoilt", "spoilt"]
    with pytest.raises(ChecksumError, match="git blob sha1"):
        get(entry("other", size=None, git_blob_sha1=git_sha1(CONTENT), sha256=""))


def test_without_a_mirror_the_published_address_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFB_DATA_URL")
    get(entry(url=f"{server.url}as/published"))
    assert server.seen == [("/mirror/as/published", None)]


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_what_is_cut_off_is_continued(server: Server, size: int | None) -> None:
    server.plan = ["cut"]
    assert get(entry(size=size)).read_bytes() == CONTENT
    assert len(server.seen) == 2
    assert server.ranges[1] is not None and 0 < int(server.ranges[1][6:-1]) <= CUT


def test_an_early_end_that_http_cannot_tell_is_continued(server: Server) -> None:
    server.plan = ["no-length"]
    assert get(entry()).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={CUT}-"]


def test_a_server_without_range_sends_everything_again(server: Server) -> None:
    server.plan = ["cut", "no-range"]
    seen: list[int] = []
    assert get(entry(), progress=seen.append).read_bytes() == CONTENT
    assert len(server.seen) == 2 and server.ranges[1] is not None
    assert min(seen) < 0 and sum(seen) == len(CONTENT)


def test_a_server_that_sends_another_range_is_not_believed(server: Server) -> None:
    server.plan = ["cut", "wrong-range", "spoilt"]  # the second is not content, so the third is the first wrong one
    assert get(entry(size=None)).read_bytes() == CONTENT
    assert server.ranges[2:] == [None, None]


def test_spoilt_once_is_tried_again(server: Server) -> None:
    server.plan = ["spoilt"]
    assert get(entry()).read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_spoilt_twice_is_an_error_and_leaves_nothing(server: Server) -> None:
    server.plan = ["spoilt"] * 9
    with pytest.raises(ChecksumError, match=r"http://127.*is not a\+b\.npz: .*sha256 is [0-9a-f]{64}, that of .* is "):
        get(entry())
    assert cached() == []
    assert len(server.seen) == 2


def test_a_spoilt_part_is_not_continued_for_ever(server: Server) -> None:
    path = local_path(entry())
    path.parent.mkdir(parents=True)
    part_path(path).write_bytes(bytes(CUT))
    assert get(entry()).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={CUT}-", None]


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_part_that_is_whole_needs_no_network(server: Server, size: int | None) -> None:
    path = local_path(entry())
    path.parent.mkdir(parents=True)
    part_path(path).write_bytes(CONTENT)
    assert get(entry(size=size)).read_bytes() == CONTENT
    assert server.seen == [] and cached() == ["a+b.npz"]


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_part_that_is_too_long_is_dropped(server: Server, size: int | None) -> None:
    path = local_path(entry())
    path.parent.mkdir(parents=True)
    part_path(path).write_bytes(CONTENT + b"more")
    assert get(entry(size=size)).read_bytes() == CONTENT
    assert server.ranges == ([None] if size else [f"bytes={len(CONTENT) + 4}-", None])


def test_a_stall_is_given_up_and_continued_next_time(server: Server) -> None:
    server.plan = ["stall"]
    began = time.monotonic()
    with pytest.raises(DownloadError, match=r"nothing came for 0\.3 s.*bytes are kept in .*a\+b\.npz\.part"):
        get(entry(), timeout=0.3, attempts=1)
    assert time.monotonic() - began < 4
    assert cached() == ["a+b.npz.part"]
    with pytest.raises(InputError, match="is not there"):
        find(entry())
    assert get(entry()).read_bytes() == CONTENT
    assert server.ranges[1] is not None


@pytest.mark.parametrize(("status", "requests"), [("404", 1), ("403", 1), ("500", 4), ("503", 4), ("429", 4)])
def test_refusals_say_the_name_the_address_and_what_to_do(server: Server, status: str, requests: int) -> None:
    server.plan = [status] * 9
    with pytest.raises(DownloadError) as caught:
        get(entry())
    message = str(caught.value)
    for part in (
        "a+b.npz",
        f"{server.url}a%2Bb.npz",
        f"answered {status}",
        f"put it at {local_path(entry())}",
        "--from",
    ):
        assert part in message
    assert len(server.seen) == requests
    assert cached() == []


def test_passing_trouble_passes(server: Server) -> None:
    server.plan = ["503", "500", "cut"]
    assert get(entry()).read_bytes() == CONTENT


def test_waits_get_longer_and_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    server.plan = ["500"] * 9
    with pytest.raises(DownloadError):
        get(entry(), backoff=1)
    assert waits == [1, 2, 4]


def test_no_server_and_bad_addresses(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    with pytest.raises(DownloadError, match="connection was refused"):
        get(entry(), base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(DownloadError, match=r"file:///mirror/a%2Bb\.npz"):
        get(entry(), base_url="file:///mirror", backoff=60)


def test_ctrl_c_leaves_the_part_alone_and_a_rerun_continues(server: Server) -> None:
    seen: list[int] = []

    def press(n: int) -> None:
        seen.append(n)
        if sum(seen) > 200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(entry(), progress=press)
    assert cached() == ["a+b.npz.part"]
    have = part_path(local_path(entry())).stat().st_size
    rest: list[int] = []
    assert get(entry(), progress=rest.append).read_bytes() == CONTENT
    assert rest[0] == have and sum(rest) == len(CONTENT)
    assert server.ranges == [None, f"bytes={have}-"] and have > 0


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
    temporary.hardlink_to(other)
    take(entry(), folder)
    assert other.read_bytes() == b"of the user"


def _get_in_a_process(url: str, done: multiprocessing.Queue) -> None:
    path = fetch(entry(), base_url=url, timeout=5, attempts=1)
    done.put(hashlib.sha256(path.read_bytes()).hexdigest())


def test_processes_that_get_one_file_at_once_download_it_once(server: Server) -> None:
    server.plan = ["slow"]
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    processes = [context.Process(target=_get_in_a_process, args=(server.url, done)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert {done.get(timeout=5) for _ in processes} == {entry().sha256}
    assert len(server.seen) == 1
    assert cached() == ["a+b.npz"]


@pytest.fixture
def small(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, and a registry of two files that it has and one that it spoils."""
    files = {name: entry(name) for name in ("one.npz", "two.npz")} | {"bad.gz": entry("bad.gz", b"something else")}
    monkeypatch.setattr(registry, "published", lambda: files)
    return server


def test_a_file_system_without_locks_will_do(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert get(entry()).read_bytes() == CONTENT
    assert "has no locks" in caplog.text


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["data", *args])
    return result.exit_code, result.stdout, str(result.exception or "")


def test_commands_get_list_and_find(small: Server) -> None:
    assert run("ls")[1] == "name\tbytes\tcached\none.npz\t1000000\tno\ntwo.npz\t1000000\tno\nbad.gz\t14\tno\n"
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
