"""The fast training operations equal the plain ones of the exported graphs, value and gradient."""

import pytest

torch = pytest.importorskip("torch")
numba = pytest.importorskip("numba")

from antiphon.train import fast, network  # noqa: E402


def gradients(value, leaves):
    weight = torch.linspace(-1, 1, value.numel()).view_as(value)
    return torch.autograd.grad((value * weight).sum(), leaves)


def assert_same(a, b, leaves):
    assert torch.allclose(a, b, rtol=1e-3, atol=2e-3)
    for one, other in zip(gradients(a, leaves), gradients(b, leaves)):
        assert torch.allclose(one, other, rtol=1e-3, atol=2e-3)


def test_bank():
    """The rotated sines of the bank equal the addition theorem's."""
    torch.manual_seed(0)
    phase = torch.rand(5, network.FRAME)
    start, end = (torch.rand(5, network.HARMONICS, requires_grad=True) for _ in range(2))
    assert_same(fast.Bank.apply(phase, start, end), network.bank(phase, start, end), [start, end])


def test_taps():
    """A block in training equals the block as it is exported."""
    torch.manual_seed(0)
    block, x, state = network.CausalBlock(16, 48), torch.randn(2, 9, 16, requires_grad=True), torch.randn(2, 4, 16)
    leaves = [x, block.kernel, block.bias]
    assert_same(block.train()(x, state)[0], block.eval()(x, state)[0], leaves)


def test_gru():
    """The GRU equals torch's."""
    torch.manual_seed(0)
    gru, x = torch.nn.GRU(8, 12, batch_first=True), torch.randn(3, 7, 8, requires_grad=True)
    made = fast.Gru.apply(torch.nn.functional.linear(x, gru.weight_ih_l0, gru.bias_ih_l0), gru.weight_hh_l0, gru.bias_hh_l0)
    assert_same(made, gru(x)[0], [x, gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_hh_l0])
