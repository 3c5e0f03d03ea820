"""Export the acoustic language model as two INT8 step graphs, its memory and its choice of tokens, and compare them with the network.

    python -m antiphon.train.export_acoustic --weights .work/acoustic.pt --codec .work/codec.pt --render .work/render --out .work/export
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..model.gestures import BENDS, LATENT, LOUDNESS_CLASSES, TRAITS
from ..model.graph import StepGraph
from . import acoustic as trainer
from . import network
from .export_codec import time_at_cadence
from .onnx_step import export_step
from .shards import Shards

NEVER = -1e9


class MemoryStep(nn.Module):
    """What a hop leaves behind: plan, the hop before and traits into the memory. All that listening needs."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        gru = net.gru
        self.register_buffer("into", gru.weight_ih_l0.t().contiguous())
        self.register_buffer("round", gru.weight_hh_l0.t().contiguous())

    def forward(self, plan, loudness, latent, trace, who, memory):
        net, gru, size = self.net, self.net.gru, self.net.memory
        x = net.enter_hop(plan[None], loudness, latent[None], trace[None], who[None])
        entered, recurrent = x @ self.into + gru.bias_ih_l0, memory @ self.round + gru.bias_hh_l0
        gates = torch.sigmoid(entered[:, :2 * size] + recurrent[:, :2 * size])
        r, z = gates[:, :size], gates[:, size:]
        n = torch.tanh(entered[:, 2 * size:] + r * recurrent[:, 2 * size:])
        memory = n + z * (memory - n)
        return net.leave(torch.cat([net.norm(memory), x], -1)), memory


class TokensStep(nn.Module):
    """A hop's tokens, sampled one after the other. `noise`, `bias` and `logits` are all tokens' classes end to end."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, context, noise, bias, sharpness, tail):
        net = self.net
        tokens, every, chosen, at = [], [], torch.zeros(1, LATENT), 0
        for index, count in enumerate(net.sizes):
            logits = net.token_logits(index, context)
            every.append(logits[0])
            wanted = logits * sharpness[index] + bias[at:at + count]
            floor = wanted.max(-1, keepdim=True)[0] - tail[index]
            token = torch.where(wanted >= floor, wanted + noise[at:at + count], torch.full_like(wanted, 2 * NEVER)).argmax(-1)
            if index >= 2:
                chosen = chosen + net.codebooks[index - 2][token]
            context = context + net.told(index, token)
            tokens.append(token)
            at += count
        return torch.cat(tokens), chosen[0], torch.cat(every)


def export(net, folder):
    """Write `memory.onnx` and `tokens.onnx` into `folder`; returns the folder and the paths of the fp32 twins."""
    classes, count = sum(net.sizes), len(net.sizes)
    plan = {"plan": torch.zeros(5, dtype=torch.int64), "loudness": torch.zeros(1, dtype=torch.int64), "latent": torch.zeros(LATENT), "trace": torch.zeros(trainer.TRACE),
            "who": torch.zeros(TRAITS), "s_memory": torch.zeros(1, net.memory)}
    choice = {"context": torch.zeros(1, net.width), "noise": torch.zeros(classes), "bias": torch.zeros(classes), "sharpness": torch.ones(count), "tail": torch.ones(count)}
    return (export_step(MemoryStep(net), plan, ["context", "s_memory_next"], folder / "memory.onnx"),
            export_step(TokensStep(net), choice, ["tokens", "latent_chosen", "logits"], folder / "tokens.onnx"))


def forced_logits(memory_path, tokens_path, inputs, clips):
    """Logits `[clips, T, classes]` of the graphs whose choices are forced to the true tokens."""
    plan, loudness, latent, trace, who, tokens = (x.numpy() for x in inputs)
    memory, choice = StepGraph(memory_path), StepGraph(tokens_path)
    choice.inputs["sharpness"][:], choice.inputs["tail"][:] = 1, 100
    sizes = [LOUDNESS_CLASSES, BENDS] + [network.CODES] * (tokens.shape[-1] - 2)
    starts = np.cumsum([0] + sizes[:-1])
    out = np.zeros((clips, plan.shape[1], sum(sizes)), np.float32)
    for clip in range(clips):
        memory.reset()
        memory.inputs["who"][:] = who[clip, 0]
        for hop in range(plan.shape[1]):
            memory.inputs["plan"][:], memory.inputs["loudness"][0] = plan[clip, hop], loudness[clip, hop]
            memory.inputs["latent"][:], memory.inputs["trace"][:] = latent[clip, hop], trace[clip, hop]
            memory.run()
            choice.inputs["context"][:] = memory.outputs["context"]
            choice.inputs["bias"][:] = 0
            choice.inputs["bias"][starts + tokens[clip, hop]] = -NEVER
            choice.run()
            out[clip, hop] = choice.outputs["logits"]
    return out


def parity(net, memory_path, tokens_path, inputs, clips=8):
    """Nats a hop of network and graphs on held-out performances, and how often their first choices agree."""
    inputs = [x[:clips] for x in inputs]
    with torch.no_grad():
        taught = net(*inputs)
    heard = torch.from_numpy(forced_logits(memory_path, tokens_path, inputs, clips)).split(net.sizes, -1)
    tokens = inputs[-1]
    nats = lambda logits: sum(F.cross_entropy(x.flatten(0, 1), tokens[..., i].flatten()).item() for i, x in enumerate(logits))
    agree = np.mean([(a.argmax(-1) == b.argmax(-1)).float().mean().item() for a, b in zip(taught, heard)])
    return {"torch_nats": nats(taught), "graph_nats": nats(heard), "top1_agreement": float(agree)}


def main():
    parser = argparse.ArgumentParser(description="Export the acoustic language model.")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--codec", required=True)
    parser.add_argument("--render", required=True)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = trainer.load(options.weights)
    twins = export(net, options.out)
    paths = options.out / "memory.onnx", options.out / "tokens.onnx"
    codec = network.Codec()
    codec.load_state_dict(torch.load(options.codec)["codec"])
    inputs = trainer.batch(np.random.default_rng(3), trainer.performances(codec, Shards(options.render, "held", limit=1).rows), 24, 240, corrupt=False)
    figures = {"bytes": {path.name: path.stat().st_size for path in paths}, "steps": torch.load(options.weights)["step"],
               "fp32_graph": parity(net, *twins, inputs), "int8_graph": parity(net, *paths, inputs),
               "step": {path.stem: time_at_cadence(StepGraph(path).run) for path in paths}}
    (options.out / "acoustic.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
