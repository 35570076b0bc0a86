"""Files of tensors: written like any other file, read without trust."""

from __future__ import annotations

import errno
import os
import pickle
import zipfile

import pytest
import torch

from kipoi_tfb.models import tensors
from kipoi_tfb.models.tensors import load_state, load_tensors, save_tensors


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.pt"
    save_tensors({"head.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.ones(2).half()}, path)
    return path


def test_round_trip(saved, tmp_path):
    state = load_state(saved)
    assert state["head.weight"].tolist() == [[0, 1, 2], [3, 4, 5]] and state["head.bias"].dtype == torch.float16
    save_tensors(state, tmp_path / "b.pt")
    assert (tmp_path / "b.pt").read_bytes() == saved.read_bytes()
    save_tensors({"step": 3, "best": {"x": torch.ones(1)}, "losses": [0.5]}, saved)
    assert load_tensors(saved)["losses"] == [0.5]


def test_types_of_tensors(tmp_path):
    kinds = (
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.bool,
        torch.uint8,
    )
    save_tensors({str(kind): torch.ones(2, dtype=kind) for kind in kinds}, tmp_path / "a.pt")
    assert {str(value.dtype) for value in load_state(tmp_path / "a.pt").values()} == {str(kind) for kind in kinds}


def again(path, change):
    """Write an archive anew, its members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    kind, members = change(members)
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def member(members, end):
    return next(name for name in members if name.endswith(end))


def test_a_bomb_of_zeros(tmp_path):
    path = tmp_path / "a.pt"
    save_tensors({"x": torch.zeros(1 << 24)}, path)
    again(path, lambda members: (zipfile.ZIP_DEFLATED, members))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ValueError, match=r"in it is compressed, which torch does not do"):
        load_state(path)


def test_members_that_share_their_bytes(saved):
    """As in a bomb without recursion: many names in the directory for one stretch of the file."""
    save_tensors({"x": torch.ones(1 << 18)}, saved)
    data = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        start, n = archive.start_dir, len(archive.infolist())
    first = data.index(b"PK\5\6", start)
    directory = data[start : data.index(b"PK\6\6", start) if b"PK\6\6" in data[start:] else first]
    tail = bytearray(data[data.rindex(b"PK\5\6") :])
    tail[8:12] = (50 * n).to_bytes(2, "little") * 2
    tail[12:20] = (50 * len(directory)).to_bytes(4, "little") + start.to_bytes(4, "little")
    saved.write_bytes(data[:start] + directory * 50 + tail)
    with pytest.raises(ValueError, match=r"what it holds is larger than the file"):
        load_state(saved)


def test_a_tensor_that_is_larger_than_its_bytes(tmp_path):
    save_tensors({"x": torch.ones(1).expand(1 << 30)}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"tensor x of shape \(1073741824,\) is larger than its bytes"):
        load_state(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"x": torch.ones(2), "y": 3}, "something else beside tensors"),
        ([torch.ones(2)], "something else beside tensors"),
        (
            {"x": torch.nn.Parameter(torch.ones(2))},
            "it asks for torch._utils _rebuild_parameter; only tensors are admitted",
        ),
        ({"x": torch.ones(2).to_sparse()}, "it asks for torch._utils _rebuild_sparse_tensor"),
    ],
)
def test_what_is_no_state_dict(tmp_path, content, complaint):
    save_tensors(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=complaint):
        load_state(tmp_path / "a.pt")


class Memory:
    def __reduce__(self):
        return bytearray, (1 << 40,)


def test_a_pickle_that_asks_for_memory(saved):
    def change(members):
        members[member(members, "data.pkl")] = pickle.dumps({"x": Memory()}, protocol=2)
        return zipfile.ZIP_STORED, members

    again(saved, change)
    with pytest.raises(ValueError, match=r"it asks for .*bytearray; only tensors are admitted"):
        load_state(saved)


@pytest.mark.parametrize("content", [b"", b"x", b"PK\3\4" * 10, pickle.dumps({"x": 1}, protocol=2)])
@pytest.mark.parametrize("read", [load_state, load_tensors])
def test_what_is_no_archive(saved, read, content):
    saved.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a zip file"):
        read(saved)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"a.pt: is a named pipe; expected a file"):
        load_state(tmp_path / "a.pt")


def test_a_full_disk_is_that(saved, monkeypatch):
    """torch itself says so in a RuntimeError of its own; ours is the error of any other file, and the old one stays."""
    before = saved.read_bytes()

    def full(path, data):
        with open(path, "wb") as stream:
            stream.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(tensors.Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left") as caught:
        save_tensors({"x": torch.ones(3)}, saved)
    assert caught.value.errno == errno.ENOSPC
    assert saved.read_bytes() == before and os.listdir(saved.parent) == [saved.name]
