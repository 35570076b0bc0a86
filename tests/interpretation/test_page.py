"""The code of docs/interpretation.md, as it stands there: three ways to the same sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "interpretation.md").read_text()
CODE = [part.split("```")[0] for part in PAGE.split("```python\n")[1:]]


@pytest.mark.filterwarnings(
    "ignore:Input Tensor 0 did not already require gradients", "ignore:Setting forward, backward"
)
def test_the_code_of_the_page(tmp_path, monkeypatch, capsys, write_fasta):
    known = "".join(np.random.default_rng(1).choice(list("ACGT"), 400))
    write_fasta(tmp_path / "hg38.fa", {"chr19": "N" * 11_089_000 + known})
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in CODE:
        exec(compile(block, "docs/interpretation.md", "exec"), names)
    assert len(CODE) == 4
    difference = names["difference"].item()
    assert abs(difference) > 0.01
    assert names["contributions"].sum().item() == pytest.approx(difference, abs=1e-4)
    assert names["by_tangermeme"].sum().item() == pytest.approx(difference, abs=1e-3)
    assert names["explained"].of_bases(names["windows"].codes).sum() == pytest.approx(difference, abs=1e-4)
    np.testing.assert_allclose(
        names["explained"].of_bases(names["windows"].codes)[0, 0], names["contributions"].numpy(), atol=1e-5
    )
    assert len(capsys.readouterr().out.splitlines()) == 4
