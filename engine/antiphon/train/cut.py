"""Make a network smaller, unit by unit, and let what is left make up for what went.

Which unit goes is asked of the layer behind it: how far would its output, rebuilt as well as can be from the other units, be
off without this one (optimal brain surgeon, Hassibi and Stork 1993, one column for one weight)? Only the products of
activations over some training data are needed. Units that others can stand in for go first, however large they are.
"""

from __future__ import annotations

import contextlib
import copy

import torch
import torch.nn.functional as F
from torch import nn

from ..model import score
from . import acoustic, fast, network, notes

RIDGE = 1e-4
"""Added to the products' diagonal, times its mean: what was never active has no say."""
MULTIPLE = 16
"""Units are left in multiples of this, a vector's worth."""


def divergence(taught: torch.Tensor, learnt: torch.Tensor) -> torch.Tensor:
    """Nats by which one network's logits `[..., classes]` miss the odds of another's, in the mean."""
    odds = F.log_softmax(taught.float(), -1)
    return (odds.exp() * (odds - F.log_softmax(learnt.float(), -1))).sum(-1).mean()


def share(count: int, keep: float) -> int:
    """How many of `count` units are left."""
    return min(count, max(MULTIPLE, MULTIPLE * round(count * keep / MULTIPLE)))


@contextlib.contextmanager
def products(linears):
    """While this is open: of each linear layer the products of its inputs, a constant 1 behind them, summed over all it sees."""
    found = {linear: 0.0 for linear in linears}

    def note(linear, inputs):
        x = with_one(inputs[0].detach()).flatten(0, -2).double()
        found[linear] = found[linear] + x.T @ x

    hooks = [linear.register_forward_pre_hook(note) for linear in linears]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def with_one(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, x.new_ones(*x.shape[:-1], 1)], -1)


def choose(product: torch.Tensor, weight: torch.Tensor, groups: list[torch.Tensor], keep: int) -> torch.Tensor:
    """Indices that stay, in order: all that are in no group, and those of the `keep` groups missed most.

    `product [K, K]` of inputs, `weight [K, out]` behind them; groups are removed one at a time, the rest made up for each time.
    """
    inverse = torch.linalg.inv(_ridged(product))
    weight, alive = weight.double().clone(), list(range(len(groups)))
    single = all(len(group) == 1 for group in groups)
    places = torch.cat(groups) if single else None
    for _ in range(len(groups) - keep):
        if single:
            here = places[alive]
            missed = weight[here].square().sum(1) / inverse.diagonal()[here]
        else:
            left = [groups[number] for number in alive]
            missed = torch.stack([(weight[g] * torch.linalg.solve(inverse[g][:, g], weight[g])).sum() for g in left])
        gone = groups[alive.pop(int(missed.argmin()))]
        step = torch.linalg.solve(inverse[gone][:, gone], inverse[gone])
        weight -= step.T @ weight[gone]
        inverse -= inverse[:, gone] @ step
    stay = torch.ones(len(product), dtype=torch.bool)
    for number, group in enumerate(groups):
        stay[group] = number in alive
    return stay.nonzero()[:, 0]


def rebuilt(product: torch.Tensor, weight: torch.Tensor, stay: torch.Tensor) -> torch.Tensor:
    """Weights `[len(stay), out]` that give the old outputs best from the inputs that stay."""
    product = _ridged(product)
    return torch.linalg.solve(product[stay][:, stay], product[stay] @ weight.double()).float()


def _ridged(product: torch.Tensor) -> torch.Tensor:
    product = product.double()
    return product + RIDGE * product.diagonal().mean() * torch.eye(len(product), dtype=torch.float64)


def _behind(linear: nn.Linear) -> torch.Tensor:
    return torch.cat([linear.weight.T, linear.bias[None]])


def units(up: list[nn.Parameter], down: nn.Linear, product: torch.Tensor, keep: int, fixed: int = 0) -> None:
    """Cut the inputs of `down` to `keep`, and the rows of `up` that make them; the first `fixed` inputs stay in any case."""
    weight = _behind(down)
    stay = choose(product, weight, list(torch.arange(fixed, down.in_features).split(1)), keep)
    new = rebuilt(product, weight, stay)
    down.weight.data, down.bias.data = new[:-1].T.contiguous(), new[-1].clone()
    made = stay[fixed:-1] - fixed
    for parameter in up:
        parameter.data = parameter.data[made]


def fewer(blocks: nn.ModuleList, count: int, cost, fixed: int = 0) -> None:
    """Take whole blocks out, one at a time, each the one without which `cost()` is least; the first `fixed` stay."""
    while len(blocks) > count:
        tried = {}
        for number in range(fixed, len(blocks)):
            block = blocks[number]
            del blocks[number]
            tried[number] = float(cost())
            blocks.insert(number, block)
        del blocks[min(tried, key=tried.get)]


def _heads(block: notes.Block, product: torch.Tensor, keep: int) -> None:
    """Cut attention to `keep` heads, half of them of those that turn by note, half of those that turn by time."""
    weight = block.out.weight.T
    every = torch.arange(len(weight))
    stay = torch.ones(len(weight), dtype=torch.bool)
    for half in every.view(2, -1, block.size):
        left = torch.zeros_like(stay)
        left[choose(product, weight, list(half), keep // 2)] = True
        stay &= left
    stay = every[stay]
    block.out.weight.data = rebuilt(product, weight, stay).T.contiguous()
    block.qkv.weight.data = block.qkv.weight.data.view(3, len(weight), -1)[:, stay].flatten(0, 1)


@torch.no_grad()
def note_net(net: notes.NoteNet, batches: list[dict], keep: float, heads: int, layers: int) -> notes.NoteNet:
    """The note model with a share `keep` of its units, `layers`, and in each `heads`, an even number."""
    net = copy.deepcopy(net)
    taught = [(batch, net(batch)) for batch in batches[:2]]
    fewer(net.blocks, layers, lambda: sum(sum(map(divergence, logits, net(batch))) for batch, logits in taught))
    ends = net.articulation_end, net.pitch_end
    with products([linear for block in net.blocks for linear in (block.out, block.down)] + list(ends)) as found:
        for batch in batches:
            net(batch)
    for block in net.blocks:
        if heads < block.heads:
            _heads(block, found[block.out][:-1, :-1], heads)
        units([block.up.weight, block.up.bias], block.down, found[block.down], share(block.up.out_features, keep))
    # What the heads at the end want of the trunk lies in one matrix, and in columns of the tables of choices.
    weights, biases = (list(x.split([score.IOIS, *net.shape["ends"]])) for x in (net.shared.weight.data, net.shared.bias.data))
    told = (net.ioi_to_articulation,), (net.ioi_to_pitch, net.articulation_to_pitch)
    for place, (end, tables) in enumerate(zip(ends, told, strict=True), 1):
        rows = [nn.Parameter(x) for x in (weights[place], biases[place], *(table.weight.data.T for table in tables))]
        units(rows, end, found[end], share(end.in_features, keep))
        weights[place], biases[place] = rows[0].data, rows[1].data
        for table, row in zip(tables, rows[2:], strict=True):
            table.weight.data = row.data.T.contiguous()
    net.shared.weight.data, net.shared.bias.data = torch.cat(weights), torch.cat(biases)
    feeds, left = [len(block.up.bias) for block in net.blocks], [len(x) for x in biases[1:]]
    new = notes.NoteNet(net.width, layers, heads, feeds, left, net.size)
    new.load_state_dict(net.state_dict())
    return new.eval()


@torch.no_grad()
def acoustic_net(net: acoustic.AcousticNet, batches: list[tuple], keep: float, memory: int) -> acoustic.AcousticNet:
    """The acoustic model with a share `keep` of each token's units, and `memory` units of its GRU."""
    net = copy.deepcopy(net)
    with products(net.heads) as found:
        for batch in batches:
            net(*batch)
    for up, head in zip(net.ups, net.heads, strict=True):
        units([up.weight, up.bias], head, found[head], share(up.out_features, keep), fixed=net.width)
    if memory < net.memory:
        _memory(net, batches, memory)
    new = acoustic.AcousticNet(net.codebooks, net.width, memory, [len(up.bias) for up in net.ups])
    new.load_state_dict(net.state_dict())
    return new.eval()


def _memory(net: acoustic.AcousticNet, batches: list[tuple], keep: int) -> None:
    """Cut the GRU to `keep` units: those that its own gates and the context would miss most."""
    gru, size = net.gru, net.memory
    product, entered = 0.0, []
    for batch in batches:
        x = net.enter_hop(*batch[:-1])
        y = fast.Gru.apply(F.linear(x, gru.weight_ih_l0, gru.bias_ih_l0), gru.weight_hh_l0, gru.bias_hh_l0)
        rows = with_one(y).flatten(0, -2).double()
        product = product + rows.T @ rows
        entered.append((x, y))
    recurrent = torch.cat([gru.weight_hh_l0.T, gru.bias_hh_l0[None]])
    deviation = torch.cat([y.std(-1).flatten() for _, y in entered]).mean()
    context = torch.cat([net.leave.weight[:, :size].T / deviation, torch.zeros(1, net.width)])
    scale = [(weight[:-1] * product.diagonal()[:-1, None].sqrt()).norm() for weight in (recurrent, context)]
    stay = choose(product, torch.cat([recurrent / scale[0], context / scale[1]], 1), list(torch.arange(size).split(1)), keep)
    gates = (stay[:-1] + size * torch.arange(3)[:, None]).flatten()
    new = rebuilt(product, recurrent, stay)[:, gates]
    gru.weight_hh_l0.data, gru.bias_hh_l0.data = new[:-1].T.contiguous(), new[-1].clone()
    gru.weight_ih_l0.data, gru.bias_ih_l0.data = gru.weight_ih_l0.data[gates], gru.bias_ih_l0.data[gates]
    # The context is read from the normed memory, whose norm is another now.
    inside, wanted = 0.0, 0.0
    for x, y in entered:
        target = net.leave(torch.cat([F.layer_norm(y, (size,)), x], -1)).flatten(0, -2).double()
        rows = with_one(torch.cat([F.layer_norm(y[..., stay[:-1]], (keep,)), x], -1)).flatten(0, -2).double()
        inside, wanted = inside + rows.T @ rows, wanted + rows.T @ target
    new = torch.linalg.solve(_ridged(inside), wanted).float()
    net.leave.weight.data, net.leave.bias.data = new[:-1].T.contiguous(), new[-1].clone()


@torch.no_grad()
def codec_net(codec: network.Codec, batches: list[tuple], keep: dict[str, float], blocks: dict[str, int]) -> network.Codec:
    """The codec with a share `keep` of the feed-forward units of its "encoder" and "decoder", and `blocks` of them.

    `batches`: features as the encoder takes them, and what `Decoder.trunk` does but for its State. Codebooks stay.
    """
    codec = copy.deepcopy(codec)
    encoder, decoder = codec.encoder, codec.decoder

    def latents(features):
        return encoder(features, network.zero_state(len(features), encoder.count, encoder.width))[0]

    def raws(told):
        return decoder.trunk(*told, network.zero_state(len(told[0]), decoder.count, decoder.width))[0]

    def cut(net, run, told, count, keep, fixed):
        taught = [(one, run(one)) for one in told[:2]]
        fewer(net.blocks, count, lambda: sum(F.mse_loss(run(one), made) for one, made in taught), fixed)
        with products([block.down for block in net.blocks]) as found:
            for one in told:
                run(one)
        for block in net.blocks:
            units([block.up.weight, block.up.bias], block.down, found[block.down], share(block.up.out_features, keep))

    heard, planned = zip(*batches, strict=True)
    cut(encoder, latents, heard, blocks["encoder"], keep["encoder"], fixed=0)
    cut(decoder, raws, planned, blocks["decoder"], keep["decoder"], fixed=1)
    feeds = ([len(block.up.bias) for block in net.blocks] for net in (encoder, decoder))
    new = network.Codec(encoder.width, codec.quantiser.levels, *feeds)
    new.load_state_dict(codec.state_dict())
    return new.eval()
