"""Downloads that continue where they were cut off, and that nobody sees before they are whole and checked."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tfb_matrix_data.errors import ChecksumError, DownloadError
from tfb_matrix_data.files import locked

__all__ = ["download", "part_path"]

_log = logging.getLogger(__name__)
_BLOCK = 1 << 16
_MOST = 1 << 34
"""Bytes of a file whose size is not known."""
_SLOWEST, _SLOW_FOR = 1024, 60.0
"""Bytes a second, for so many seconds: a server that sends fewer is given up."""
_PASSING_STATUS = (408, 416, 425, 429)  # of the 4xx, those that may go away; 416 does, since the part is dropped


def part_path(path: Path) -> Path:
    """Return where the first bytes of `path` are kept until the rest has come."""
    return path.with_name(f"{path.name}.part")


def download(
    url: str,
    path: str | Path,
    verify: Callable[[Path], None],
    *,
    size: int | None = None,
    timeout: float = 30.0,
    attempts: int = 4,
    backoff: float = 1.0,
    progress: Callable[[int], object] | None = None,
    most: int | None = None,
    by_hand: str | None = None,
) -> None:
    """Put the verified content of an address at `path`, or leave `path` as it was.

    Bytes go to ``path.part``, which stays when the download is cut off and is continued next time (HTTP Range; a
    server that cannot do this sends everything again). Another process that downloads the same file is waited for.

    Parameters
    ----------
    url
        http or https address.
    path
        File to make; its folder is made too.
    verify
        Raises `ChecksumError` unless the file it is given has the right content.
    size
        Size in bytes, where known: not one more is written.
    timeout
        Seconds after which a server that sends nothing is given up; one that sends less than 1 kB/s is after 60 s, or
        these.
    attempts
        How many times to try in all. Wrong content is tried twice at most.
    backoff
        Seconds to wait after the first failure; doubled after each.
    progress
        Called with the number of bytes that came; negative where bytes had to be dropped.
    most
        Bytes, at most, of a file whose size is not known; default 16 GB.
    by_hand
        What to do where it cannot be had; default how to put it in place.

    Raises
    ------
    DownloadError
        If the server cannot be reached, refuses, stops sending, hardly sends, or sends more than there should be.
    ChecksumError
        If what the server sends is not the file.
    """
    path = Path(path)
    advance = progress or (lambda n: None)
    with _locked_part(path) as (part, stream):
        if path.exists() and _passes(verify, path):  # by another process, while this one waited
            stream.truncate(0)
            return
        have = stream.seek(0, os.SEEK_END)
        advance(have)
        if have and size in (None, have) and _passes(verify, part):  # cut off between the last byte and the renaming
            os.replace(part, path)
            return
        if size is not None and have >= size:
            _drop(stream, advance)
        reason, wrong = "", 0
        for attempt in range(attempts):
            if attempt:
                _log.info("%s: %s; trying again", path.name, reason)
                time.sleep(backoff * 2 ** (attempt - 1))
            reason, lasting = _attempt(url, stream, size or most or _MOST, size, timeout, advance)
            if lasting:
                break
            if reason:
                continue
            try:
                verify(part)
            except ChecksumError as error:
                _drop(stream, advance)
                reason, wrong = "the content is not the right one", wrong + 1
                if wrong == 2 or attempt == attempts - 1:
                    raise ChecksumError(f"{url}: what the server sends is not {path.name}: {error}") from None
                continue
            os.replace(part, path)
            return
        kept = stream.seek(0, os.SEEK_END)
        raise DownloadError(_failure(url, path, reason, kept, by_hand))


def _attempt(
    url: str, stream: BinaryIO, most: int, size: int | None, timeout: float, advance: Callable[[int], object]
) -> tuple[str, bool]:
    """Receive the rest; return what went wrong, empty if nothing did, and whether it will go wrong again."""
    import requests

    try:
        _receive(url, stream, most, timeout, advance)
    except requests.RequestException as error:
        status = error.response.status_code if error.response is not None else 0
        if status == 416:
            _drop(stream, advance)
        refused = 400 <= status < 500 and status not in _PASSING_STATUS
        return _reason(error, timeout), refused or isinstance(error, ValueError)  # ValueError: no valid address
    got = stream.seek(0, os.SEEK_END)
    if size is not None and got < size:
        return f"the server closed the connection after {got:,} of {size:,} bytes", False
    return "", False


def _failure(url: str, path: Path, reason: str, kept: int, by_hand: str | None) -> str:
    if by_hand is not None:
        return f"{path.name} cannot be downloaded from {url}: {reason}. {by_hand}"
    message = (
        f"{path.name} cannot be downloaded from {url}: {reason}. By hand: get it with another machine or program and "
        f"put it at {path}, or run `tfb data get {path.name} --from FOLDER`"
    )
    if kept:
        message += f". {kept:,} bytes are kept in {part_path(path)}; the same command continues there"
    return message


def _passes(verify: Callable[[Path], None], path: Path) -> bool:
    try:
        verify(path)
    except ChecksumError:
        return False
    return True


def _drop(stream: BinaryIO, advance: Callable[[int], object]) -> None:
    advance(-stream.seek(0, os.SEEK_END))
    stream.truncate(0)


@contextmanager
def _locked_part(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open the part of `path` for appending, with no other process at it; an empty one is removed at the end."""
    part = part_path(path)
    with locked(path.with_name(f".{path.name}.lock"), True, f"{path.name}: another process is downloading it"):
        try:
            with open(part, "a+b", opener=_no_link) as stream:
                yield part, stream
        finally:
            if part.exists() and not part.stat().st_size:
                part.unlink()


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _receive(url: str, stream: BinaryIO, most: int, timeout: float, advance: Callable[[int], object]) -> None:
    """Append what `stream` lacks, or replace what it has where the server sends everything."""
    import requests
    from urllib3.exceptions import HTTPError

    start = stream.seek(0, os.SEEK_END)
    headers = {"Accept-Encoding": "identity"}  # the bytes as published, and a Range that counts these
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, timeout=timeout, stream=True) as response:
        response.raise_for_status()
        if response.status_code == 200 and start:
            _drop(stream, advance)
        elif response.status_code == 206:
            begins = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
            if begins != str(start):
                _drop(stream, advance)
                raise requests.RequestException("the server sent another part than the one asked for")
        pace = _Pace(max(timeout, _SLOW_FOR))
        try:
            # What has come so far, and not a whole block of it: that may take for ever.
            while chunk := response.raw.read1(_BLOCK):
                if stream.tell() + len(chunk) > most:
                    _drop(stream, advance)
                    raise requests.RequestException(f"the server sends more than the {most:,} bytes of the file")
                stream.write(chunk)
                advance(len(chunk))
                pace.check(len(chunk))
        except HTTPError as error:
            raise requests.ConnectionError(error) from None
        finally:
            stream.flush()


class _Pace:
    """How fast bytes come, in periods of some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since, self._bytes = time.monotonic(), 0

    def check(self, n_bytes: int) -> None:
        """Count bytes; raise a `requests.Timeout` where hardly any came in a whole period."""
        import requests

        self._bytes += n_bytes
        passed = time.monotonic() - self._since
        if passed < self._seconds:
            return
        if self._bytes < passed * _SLOWEST:
            raise requests.Timeout(f"only {self._bytes:,} bytes came in {passed:.0f} s")
        self._since, self._bytes = time.monotonic(), 0


def _reason(error: Exception, timeout: float) -> str:
    """Say in one phrase what went wrong; the texts of requests and urllib3 are objects within objects."""
    import requests

    response = getattr(error, "response", None)
    text = str(error)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    if text.startswith("only "):
        return text
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return f"nothing came for {timeout:g} s"
    for sign, reason in {
        "resolve": "the server's name is not known (no network?)",
        "refused": "the connection was refused",
        "unreachable": "the network cannot be reached",
        "IncompleteRead": "the connection was closed before the end",
        "reset": "the connection was closed before the end",
        "Remote end closed": "the connection was closed before the end",
        "CERTIFICATE": "the server's certificate is not accepted",
        "ProxyError": "the proxy does not let it through",
    }.items():
        if sign.lower() in text.lower():
            return reason
    return text
