"""The network of this folder. `python load.py` compares it with the predictions in golden.json.

It needs torch, safetensors and the package kipoi-tfb, which knows the architecture; no entry of that package's zoo.

    from load import load, predict

    network, config = load()
    predict(network, ["ACGT" * 50])  # float32 (sequences, TFs), in the order of config["tfs"]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from kipoi_tfb.models import both_strands, build_network, for_inference, probability
from tfb_matrix_data.sequence import encode, one_hot

HERE = Path(__file__).parent
TOLERANCE = 1e-4


def load(folder: str | Path = HERE) -> tuple[torch.nn.Module, dict]:
    """Return the network, ready to predict on the CPU, and what config.json says.

    The network takes one-hot windows float32 (batch, 4, length), rows in the order A C G T, and gives logits
    (batch, TFs) of the strand that it is given.
    """
    config = json.loads((Path(folder) / "config.json").read_text())
    sizes, members = config["sizes"], config.get("members")
    network = build_network(config["architecture"], len(config["tfs"]), config["window_length"], sizes, members)
    network.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    return for_inference(network), config


def predict(network: torch.nn.Module, sequences: Sequence[str]) -> np.ndarray:
    """Return probabilities of binding, float32 (sequences, TFs), both strands averaged; NaN where no base is known."""
    windows = torch.from_numpy(one_hot(np.stack([encode(sequence) for sequence in sequences])))
    with torch.inference_mode():
        return probability(both_strands(network, windows)).numpy()


if __name__ == "__main__":
    golden = json.loads((HERE / "golden.json").read_text())
    found = predict(load()[0], golden["sequences"])
    difference = float(np.abs(found - np.array(golden["probability"])).max())
    print(f"{len(found)} sequences, largest difference {difference:.1g}")
    sys.exit(not difference <= TOLERANCE)
