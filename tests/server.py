"""A server on loopback that cuts off, spoils, stalls and refuses: ``pytest_plugins = ("tests.server",)``.

PYTEST_DONT_REWRITE: it asserts nothing, and test modules import it before they make it a plugin.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tfb_matrix_data.registry import Published, fetch, local_path

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
        if treatment not in ("no-length", "endless"):
            self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        if treatment in ("cut", "no-length", "stall"):
            body = body[:CUT]
        if treatment in ("endless", "drip"):
            return self._go_on(body, treatment)
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

    def _go_on(self, body: bytes, treatment: str) -> None:
        """Send far more than there is, or a byte at a time, until the client has enough."""
        try:
            for _ in range(2000):
                self.wfile.write(body if treatment == "endless" else b"x")
                if treatment == "drip" and self.server.release.wait(0.05):
                    return
        except ConnectionError:
            pass

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
