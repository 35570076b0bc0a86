"""Downloads from a server on loopback that cuts off, spoils, stalls and refuses."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import multiprocessing
import socket
import time
from itertools import accumulate

import pytest

from tests.server import CONTENT, CUT, Server, cached, entry, get, git_sha1
from tfb_matrix_data import registry
from tfb_matrix_data.download import part_path
from tfb_matrix_data.errors import ChecksumError, DownloadError, InputError
from tfb_matrix_data.registry import fetch, find, local_path

pytest_plugins = ("tests.server",)


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


def test_a_server_that_never_ends_is_left_at_the_size_that_is_known(server: Server) -> None:
    server.plan = ["endless"]
    assert get(entry()).read_bytes() == CONTENT  # the next attempt, from the beginning
    assert server.ranges == [None, None]
    most: list[int] = []
    server.plan = ["endless"] * 9
    with pytest.raises(DownloadError, match=r"the server sends more than the 1,000,000 bytes of the file"):
        get(entry("other.npz"), progress=most.append)
    assert max(accumulate(most)) <= len(CONTENT) and cached() == ["a+b.npz"]


def test_a_file_of_unknown_size_has_a_limit_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfb_matrix_data.download._MOST", 3_000_000)
    server.plan = ["endless"] * 9
    with pytest.raises(DownloadError, match=r"the server sends more than the 3,000,000 bytes of the file"):
        get(entry(size=None))
    assert cached() == []


def test_a_server_that_drips_is_given_up_and_continued_next_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfb_matrix_data.download._SLOW_FOR", 0.5)
    server.plan = ["drip"] * 9
    with pytest.raises(DownloadError, match=r"only \d+ bytes came in 1 s.* bytes are kept in .*\.part"):
        get(entry(), timeout=0.5, attempts=2)
    assert len(server.seen) == 2 and server.ranges[1] is not None


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


def test_a_file_system_without_locks_will_do(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert get(entry()).read_bytes() == CONTENT
    assert "has no locks" in caplog.text
