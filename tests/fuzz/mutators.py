"""Damage, seeded: what editors, spreadsheets, transfers and other programs do to files."""

from __future__ import annotations

import gzip
import io
import random

from Bio import bgzf

from tfb_matrix_data.files import BGZIP_END

WORDS = [
    "", ".", "*", "-1", "0", "1e3", "100.0", "NaN", "inf", "9223372036854775808", "2147483647", "chr1", "1", "chrUn",
    "NC_000001.11", "A", "a", "N", "R", "<DEL>", "<INS>", "]chr1:5]A", "A,C", "A,", ",", "ACGTACGT", "A" * 300, "=1+1",
    "@x", "é", "\u200b", '"', "'", "</script>", "%s", "{}", "../x", "TRUE", "null", "[1", "{a: 1}", "&a", "*a", "!!int",
]  # fmt: skip
_BYTES = [b"\x00", b"\xff", b"\t", b"\n", b"\r", b"\r\n", b" ", b"\xef\xbb\xbf", b"#", b">", b"\x1f\x8b", b"\x1a"]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return a text with one to three faults."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        data = rng.choice(_FAULTS)(data, rng)
    return data


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True) or [b""]


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(max(len(data), 1))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _put(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(_BYTES) + data[at:]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _drop_line(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def _repeat_line(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return b"".join(lines)


def _comment_line(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    at = rng.randrange(len(lines))
    lines[at] = b"#" + lines[at]
    return b"".join(lines)


def _blank_line(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    lines.insert(rng.randrange(len(lines) + 1), rng.choice([b"\n", b"  \n", b"\r\n", b"\t\n"]))
    return b"".join(lines)


def _swap_lines(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _word(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    at = rng.randrange(len(lines))
    body = lines[at].rstrip(b"\r\n")
    fields = body.split(b"\t")
    field = rng.randrange(len(fields))
    choice = rng.choice(["replace", "replace", "drop", "add", "spaces"])
    if choice == "replace":
        fields[field] = rng.choice(WORDS).encode()
    elif choice == "drop":
        del fields[field]
    elif choice == "add":
        fields.insert(field, rng.choice(WORDS).encode())
    joined = (b"    " if choice == "spaces" else b"\t").join(fields)
    lines[at] = joined + lines[at][len(body) :]
    return b"".join(lines)


def _yaml_value(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    at = rng.randrange(len(lines))
    key, colon, _ = lines[at].partition(b":")
    lines[at] = key + colon + b" " + rng.choice(WORDS).encode() + b"\n"
    return b"".join(lines)


def _ends(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n"]))


def _lower(data: bytes, rng: random.Random) -> bytes:
    return data.lower()


def _mark(data: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"##x\n"]) + data


_FAULTS = [
    _flip, _flip, _put, _put, _cut, _drop_line, _repeat_line, _comment_line, _blank_line, _swap_lines, _word, _word,
    _word, _word, _yaml_value, _ends, _lower, _mark,
]  # fmt: skip


def packed(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Return data as they are or compressed, sometimes cut off, and the ending of a name for them."""
    kind = rng.choice(["", "", "", ".gz", "bgzip"])
    if kind == "":
        return data, rng.choice(["", "", "", ".gz"])
    if kind == ".gz":
        data = gzip.compress(data, mtime=0)
    else:
        stream = io.BytesIO()
        writer = bgzf.BgzfWriter(fileobj=stream, mode="wb")
        writer.write(data)
        writer.flush()
        data = stream.getvalue() + (b"" if rng.random() < 0.2 else BGZIP_END)
    if rng.random() < 0.2:
        data = data[: rng.randrange(len(data))]
    return data, rng.choice([".gz", ".gz", ""])
