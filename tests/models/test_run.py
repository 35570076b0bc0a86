"""What is computed for a window follows from the window alone: to the byte, whatever stands beside it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kipoi_tfb.models import run
from kipoi_tfb.models.build import build_network, for_inference
from kipoi_tfb.models.changes import ChangedWindows
from kipoi_tfb.models.logits import strand_logits, to_one_hot
from kipoi_tfb.models.run import allele_logits_of, heard, logits_of

CPU = torch.device("cpu")
SIZES = {
    "paper-cnn": {},
    "danq": {},
    "motif-cnn": {},
    "small motif-cnn": {"filters": 12, "channels": 8, "hidden": 16, "members": 2, "own_motifs": 3},
}
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 4, (40, 200), np.uint8)
CODES[3, 50:], CODES[5] = 4, 4
MANY = pytest.mark.parametrize("threads", [1, 2])


@pytest.fixture(scope="module", params=SIZES)
def network(request):
    """Return a network of the size that it has in use: the kernel of a product depends on it."""
    torch.manual_seed(0)
    made = build_network(request.param.split()[-1], 5, sizes=SIZES[request.param])
    for value in made.parameters():
        value.data.add_(torch.randn_like(value) * 0.01)
    return for_inference(made)


@pytest.fixture(scope="module")
def alleles():
    """Return REF and ALT of every kind, several ALTs of one REF in a row among them."""
    ref = np.repeat(CODES[:15], np.tile([1, 3, 1], 5), axis=0)
    alt = ref.copy()
    for row, window in enumerate(alt):
        at, n = [(100, 1), (101, 99), (100, 2), (60, 1), (0, 200), (15, 30), (199, 1)][row % 7]
        window[at : at + n] = (window[at : at + n] + RNG.integers(1, 4, n)) % 4
    alt[8], alt[9] = ref[8], 4
    return ref, alt


@pytest.fixture(scope="module")
def expected(network, alleles):
    """Return what a single thread makes of all windows, and of all alleles, at once."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return logits_of([network], CODES, CPU), of_alleles(network, *alleles)
    finally:
        torch.set_num_threads(before)


def of_alleles(network, ref, alt) -> np.ndarray:
    """Return the logits of REF and ALT, (2, alleles, strands, outputs)."""
    first = np.r_[True, (ref[1:] != ref[:-1]).any(1)]
    of = np.cumsum(first) - 1
    of_ref, of_alt = allele_logits_of(network, ref[first], alt, of, CPU)
    return np.stack([of_ref[of], of_alt])


@MANY
@pytest.mark.parametrize("size", [1, 7, 33])
def test_windows_do_not_depend_on_how_they_are_cut(network, expected, set_threads, threads, size):
    set_threads(threads)
    some = CODES[:6] if size == 1 else CODES
    parts = [logits_of([network], some[start : start + size], CPU) for start in range(0, len(some), size)]
    np.testing.assert_array_equal(np.concatenate(parts), expected[0][: len(some)])
    assert np.isnan(expected[0]).all(1).nonzero()[0].tolist() == [5]


@MANY
def test_windows_do_not_depend_on_those_beside_them(network, expected, set_threads, threads):
    set_threads(threads)
    for n in (40, 33, 5):
        rows = np.random.default_rng(n).choice(len(CODES), n, replace=False)
        np.testing.assert_array_equal(logits_of([network], CODES[rows], CPU), expected[0][rows])


@MANY
def test_alleles_do_not_depend_on_those_beside_them(network, alleles, expected, set_threads, threads):
    set_threads(threads)
    n = len(alleles[0])
    for rows in (np.arange(n), np.arange(n)[::-1], np.arange(1, n, 3), np.array([4])):
        found = of_alleles(network, alleles[0][rows], alleles[1][rows])
        np.testing.assert_array_equal(found, expected[1][:, rows])


def test_alleles_have_the_logits_of_their_windows(network, alleles, expected):
    for found, codes in zip(expected[1], alleles, strict=True):
        with torch.inference_mode():
            whole = strand_logits(network, to_one_hot(torch.from_numpy(codes)))
        np.testing.assert_allclose(found, whole.numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_holds_in_every_thread(network, set_threads, precision):
    found = []
    for threads in (1, 2):
        set_threads(threads)
        found.append(logits_of([network], CODES, CPU, precision))
    np.testing.assert_array_equal(*found)
    exact = logits_of([network], CODES, CPU)
    known = ~np.isnan(exact)
    assert (np.abs(found[0] - exact)[known].max() > 1e-5) == (precision == "bf16")


class Counts(nn.Module):
    """Output k is k times the number of A plus three times that of C, from 1: the strands differ."""

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(1, n_outputs)

    def forward(self, one_hot):
        counts = one_hot.sum(-1)
        return (counts[:, :1] + 3 * counts[:, 1:2]) * torch.arange(1, self.head.out_features + 1)


def test_networks_stand_side_by_side_and_outputs_in_the_order_asked_for():
    codes = CODES[6:]
    a, c, g, t = ((codes == base).sum(1, keepdims=True) for base in range(4))
    expected = ((a + 3 * c) + (t + 3 * g)) / 2 * np.array([1, 2, 1, 2, 3])
    networks = [Counts(2), Counts(3)]
    np.testing.assert_array_equal(logits_of(networks, codes, CPU), expected)
    np.testing.assert_array_equal(logits_of(networks, codes, CPU, keep=[4, 0, 0]), expected[:, [4, 0, 0]])
    strands = logits_of(networks, codes, CPU, read=strand_logits)
    assert strands.shape == (len(codes), 2, 5) and (strands[:, 0] != strands[:, 1]).any()
    np.testing.assert_array_equal(strands.mean(1), expected)
    assert logits_of(networks, codes[:0], CPU).size == 0


class Noting(nn.Module):
    """Notes how it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.seen: list[tuple] = []
        self.together = threading.Barrier(2)

    def forward(self, one_hot):
        assert torch.is_inference_mode_enabled()
        self.seen.append((threading.get_ident(), torch.get_num_threads(), len(one_hot)))
        if len(self.seen) <= 2:
            self.together.wait(60)  # two batches are run at once, or this fails
        return self.head(one_hot.mean(2))


def test_full_batches_run_side_by_side_on_one_thread_each(set_threads):
    set_threads(2)
    network = Noting()
    assert logits_of([network], CODES, CPU).shape == (40, 2)
    callers, intra, sizes = zip(*network.seen, strict=True)
    assert len(set(callers)) == 2 and threading.get_ident() not in callers
    assert set(intra) == {1} and sizes == (2 * 32,) * 2  # both strands
    assert torch.get_num_threads() == 2
    assert run_in_a_new_thread(torch.get_num_threads) == 2


def test_an_error_is_that_of_the_network_and_leaves_the_threads_alone(set_threads):
    set_threads(2)
    for codes in (CODES, CODES[:1]):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            logits_of([nn.Sequential(nn.Flatten(), nn.Linear(3, 1))], codes, CPU)
    assert torch.get_num_threads() == 2 and run_in_a_new_thread(torch.get_num_threads) == 2


def run_in_a_new_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_every_pass_over_alleles_has_one_shape(alleles, monkeypatch):
    seen = []
    monkeypatch.setattr(run, "_SMALL", -1)

    class Changing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(1, 2)

        def change_logits(self, windows: ChangedWindows) -> list[torch.Tensor]:
            shape = (len(windows.whole), *(len(change.image) for change in windows.changes))
            seen.append(shape)
            return [torch.zeros(2 * n, 2) for n in shape]

    of_alleles(Changing(), *alleles)
    assert len(seen) > 3 and {n for shape in seen for n in shape} == {32}
    seen.clear()
    monkeypatch.setattr(run, "_CHANGES", 2)
    of_alleles(Changing(), np.repeat(CODES[:1], 200, axis=0), np.roll(CODES[:1].repeat(200, axis=0), 1, axis=1))
    assert sorted(len(shape) - 1 for shape in seen) == [1, 2, 2, 2]


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 230))
def test_stretches_hold_what_differs_and_follow_from_the_allele(seed, length):
    rng = np.random.default_rng(seed)
    differs = rng.random((12, length)) < rng.choice([0, 1 / length, 0.5], (12, 1))
    start, stop = run._stretches(differs)
    assert (start >= 0).all() and (stop <= length).all() and (start < stop).all()
    for row, first, behind in zip(differs, start, stop, strict=True):
        assert not row[:first].any() and not row[behind:].any()
        assert [int(found[0]) for found in run._stretches(row[None])] == [first, behind]


def test_the_middle_base_has_a_cell_of_its_own():
    differs = np.zeros((4, 200), bool)
    differs[0, 100] = differs[1, 99] = differs[2, 101] = differs[2, 120] = differs[3, 101:] = True
    assert [found.tolist() for found in run._stretches(differs)] == [[100, 80, 101, 101], [101, 100, 121, 200]]


# Who listens


@MANY
def test_shares_of_the_work_add_up_to_one(network, alleles, expected, set_threads, threads):
    set_threads(threads)
    shares: list[float] = []
    with heard(shares.append):
        windows = logits_of([network], CODES, CPU)
    assert sum(shares) == pytest.approx(1) and len(shares) == 2
    np.testing.assert_array_equal(windows, expected[0])
    shares.clear()
    with heard(shares.append):
        found = of_alleles(network, *alleles)
    assert sum(shares) == pytest.approx(1) and len(shares) > 1
    np.testing.assert_array_equal(found, expected[1])
    of_alleles(network, *alleles)  # nobody listens any more
    assert sum(shares) == pytest.approx(1)


def test_work_of_several_calls_within_another(network):
    shares: list[float] = []
    with heard(of=7):
        logits_of([network], CODES[:2], CPU)
    with heard(shares.append, of=2):
        logits_of([network], CODES[:2], CPU)
        with heard(of=4):
            logits_of([network], CODES[:2], CPU)
    assert shares == [0.5, 0.125]


# Memory


@pytest.mark.parametrize("fits", [32, 5, 1])
def test_batches_are_halved_until_they_fit(network, alleles, expected, monkeypatch, caplog, fits):
    """As a GPU would say it; what did not fit is not tried again."""
    tried: list[int] = []

    def limited(tensor, *args):
        tried.append(len(tensor))
        if len(tensor) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return to_one_hot(tensor, *args)

    monkeypatch.setattr(run, "_fits", {})
    monkeypatch.setattr(run, "_SMALL", 0)
    monkeypatch.setattr(run, "to_one_hot", limited)
    windows = logits_of([network], CODES, CPU)
    np.testing.assert_allclose(windows, expected[0], atol=1e-5)
    np.testing.assert_allclose(of_alleles(network, *alleles), expected[1], atol=1e-5)
    halved = [size for size in (32, 16, 8, 4, 2) if size > fits]
    assert list(dict.fromkeys(size for size in tried if size > fits)) == halved
    assert [record.getMessage() for record in caplog.records] == [
        f"cpu is out of memory with {size} windows at a time; going on with {size // 2}" for size in halved
    ]


def test_a_single_window_that_does_not_fit(network, monkeypatch):
    def nothing(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(run, "_fits", {})
    monkeypatch.setattr(run, "to_one_hot", nothing)
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        logits_of([network], CODES, CPU)
