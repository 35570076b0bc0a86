import pytest
import torch
from torch import nn

from kipoi_tfb.models.head import Head


@pytest.mark.parametrize("n_outputs", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("n_features", [20, 21])
def test_it_is_a_linear_layer(n_features: int, n_outputs: int, training: bool) -> None:
    torch.manual_seed(n_outputs)
    head, plain = Head(n_features, n_outputs), nn.Linear(n_features, n_outputs)
    plain.load_state_dict(head.state_dict())
    features = torch.randn(9, n_features)

    found = head.train(training)(features)

    assert found.shape == (9, n_outputs)
    torch.testing.assert_close(found, plain(features))
    found.sum().backward()
    torch.testing.assert_close(head.weight.grad, features.sum(0).expand(n_outputs, -1))


@pytest.mark.parametrize(("n_features", "n_outputs"), [(1000, 2), (1000, 3), (925, 5), (925, 2), (33, 10)])
def test_a_row_has_the_same_bits_wherever_it_stands(n_features: int, n_outputs: int) -> None:
    """What an older processor does not grant (`make test-isas` runs this as one), nor AMD's with AVX-512."""
    torch.manual_seed(n_outputs)
    head = Head(n_features, n_outputs).eval()
    row, others = torch.randn(1, n_features), torch.randn(64, n_features)

    found = set()
    for place in range(64):
        batch = others.clone()
        batch[place] = row
        found.add(head(batch)[place].detach().numpy().tobytes())

    assert len(found) == 1
