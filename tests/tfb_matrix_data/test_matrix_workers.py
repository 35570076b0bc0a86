"""Eight processes that open one file at once read the same labels."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from tfb_matrix_data.matrix import BindingMatrix

# Each says that it is ready and waits for all others, so that they open the file together.
WORKER = """
import hashlib, sys
from tfb_matrix_data.matrix import BindingMatrix
print("ready", flush=True)
sys.stdin.readline()
with BindingMatrix(sys.argv[1]) as matrix:
    kinds = [matrix.labels(kind=kind) for kind in ("sparse", "less_sparse")]
    places = matrix.regions.start.tobytes()
print(hashlib.sha256(b"".join([*(labels.tobytes() for labels in kinds), places])).hexdigest())
"""


def test_eight_workers_read_the_same_labels(dense, dense_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5"
    shutil.copy(dense_path, copy)
    command = [sys.executable, "-c", WORKER, str(copy)]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    try:
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        answers = [worker.communicate(timeout=120)[0].strip() for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    kinds = [dense.labels(None, None, kind, None) for kind in ("sparse", "less_sparse")]
    with BindingMatrix(dense_path) as matrix:
        assert all(
            np.array_equal(matrix.labels(kind=k), v) for k, v in zip(("sparse", "less_sparse"), kinds, strict=True)
        )
        expected = b"".join([*(labels.tobytes() for labels in kinds), matrix.regions.start.tobytes()])
    assert answers == [hashlib.sha256(expected).hexdigest()] * 8
