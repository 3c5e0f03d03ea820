"""Export the acoustic language model as two INT8 step graphs, its memory and its choice of tokens; compare them with the network.

    python -m antiphon.train.export_acoustic --weights .work/acoustic.pt --codec .work/codec.pt --render .work/render --out OUT
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..model import gestures
from ..model.gestures import LATENT, TRACE, TRAITS
from ..model.graph import StepGraph
from . import acoustic as trainer
from . import codec
from .export_codec import time_at_cadence
from .shards import Shards
from .sketch import array, write_both, zeros

STEEP = 1e6
"""How far what lies below the tail is pushed down, times its distance."""


def told_table(net, index):
    """What the later tokens of the hop learn of each choice of token `index`, `[classes, width]`."""
    chosen = net.chosen[index]
    return array(chosen.weight) if index < 2 else array(net.codebooks[index - 2]) @ array(chosen.weight).T


def export_memory(net, path, **few):
    """What a hop leaves behind: plan, the hop before and traits into the memory. All that listening needs.

    One matrix takes numbers of many sizes, so it is fp32.
    """
    gru, size = net.gru, net.memory
    # Of each word one row is taken, so the bias can lie in one of them.
    words = array(net.words.weight).copy()
    words[gestures.PLAN[0]:gestures.PLAN[0] + gestures.PLAN[1]] += array(net.told.bias)

    def draw(sketch):
        words_sum = sketch.node("ReduceSum", sketch.node("Gather", words, "rows"), np.array([0]), keepdims=0)
        x = sketch.hardswish(sketch.linear("told", array(net.told.weight).T, words_sum, exact=True))
        entered = sketch.linear(x, array(gru.weight_ih_l0).T, array(gru.bias_ih_l0))
        recurrent = sketch.linear("s_memory", array(gru.weight_hh_l0).T, array(gru.bias_hh_l0))
        (gates, new), (gates_before, before) = (sketch.split(edge, [2 * size, size]) for edge in (entered, recurrent))
        reset, keep = sketch.split(sketch.node("Sigmoid", sketch.node("Add", gates, gates_before)), [size, size])
        new = sketch.node("Tanh", sketch.node("Add", new, sketch.node("Mul", reset, before)))
        kept = sketch.node("Mul", keep, sketch.node("Sub", "s_memory", new))
        memory = sketch.node("Add", new, kept, to="s_memory_next")
        both = sketch.node("Concat", sketch.normalised(memory, size), x, axis=1)
        sketch.linear(both, array(net.leave.weight).T, array(net.leave.bias), to="context")

    inputs = {"rows": np.zeros(len(gestures.PLAN), np.int64), "told": zeros(1, LATENT + TRACE + TRAITS), "s_memory": zeros(1, size)}
    return write_both(draw, path, inputs, {"context": zeros(1, net.width), "s_memory_next": zeros(1, size)}, **few)


def export_tokens(net, path, logits=False, **few):
    """A hop's tokens, sampled one after the other. `leaning` and `noise` are all tokens' classes end to end.

    Of token i with logits l it takes the class of the largest l + leaning + noise, among those whose l + leaning is at most
    tail[i] below its largest. With `logits` what is chosen from is an output for each token.
    """
    sizes, count = net.sizes, len(net.sizes)

    def draw(sketch):
        context, tokens = "context", []
        leanings = sketch.split(sketch.node("Add", "leaning", np.concatenate([array(head.bias) for head in net.heads])), sizes)
        noises, tails = sketch.split("noise", sizes), sketch.split("tail", [1] * count)
        for index, (head, up) in enumerate(zip(net.heads, net.ups, strict=True)):
            hidden = sketch.hardswish(sketch.linear(sketch.normalised(context, net.width), array(up.weight).T, array(up.bias)))
            both, name = sketch.node("Concat", context, hidden, axis=1), f"logits_{index}" if logits else None
            wanted = sketch.linear(both, array(head.weight).T, leanings[index], to=name)
            floor = sketch.node("Sub", sketch.node("ReduceMax", wanted, np.array([1]), keepdims=1), tails[index])
            above = sketch.node("LeakyRelu", sketch.node("Sub", wanted, floor), alpha=STEEP)
            token = sketch.node("ArgMax", sketch.node("Add", above, noises[index]), axis=1, keepdims=0)
            tokens.append(token)
            if index + 1 < count:
                context = sketch.node("Add", context, sketch.node("Gather", told_table(net, index), token))
        sketch.node("Concat", *tokens, axis=0, to="tokens")

    inputs = {"context": zeros(1, net.width), "leaning": zeros(sum(sizes)), "noise": zeros(sum(sizes)), "tail": zeros(count)}
    outputs = {"tokens": np.zeros(count, np.int64)}
    if logits:
        outputs |= {f"logits_{index}": zeros(1, size) for index, size in enumerate(sizes)}
    return write_both(draw, path, inputs, outputs, **few)


def forced_logits(memory_path, tokens_path, inputs, clips):
    """Logits of the graphs whose choices are forced to the true tokens: for each token `[clips, T, classes]`."""
    plan, loudness, latent, trace, who, tokens = (x.numpy() for x in inputs)
    memory, choice = StepGraph(memory_path), StepGraph(tokens_path)
    choice.inputs["tail"][:] = 1e8
    outputs = [choice.outputs[f"logits_{i}"] for i in range(len(choice.outputs) - 1)]
    starts = np.cumsum([0] + [x.size for x in outputs[:-1]])
    out = [np.zeros((clips, plan.shape[1], x.size), np.float32) for x in outputs]
    rows = np.cumsum([0, *gestures.PLAN[:-1]])
    for clip in range(clips):
        memory.reset()
        for hop in range(plan.shape[1]):
            memory.inputs["rows"][:] = [*plan[clip, hop], loudness[clip, hop]] + rows
            memory.inputs["told"][0] = np.concatenate([latent[clip, hop], trace[clip, hop], who[clip, 0]])
            memory.run()
            choice.inputs["context"][:] = memory.outputs["context"]
            choice.inputs["noise"][:] = 0
            choice.inputs["noise"][starts + tokens[clip, hop, :len(starts)]] = 1e9
            choice.run()
            assert (choice.outputs["tokens"] == tokens[clip, hop, :len(starts)]).all()
            for kept, logits in zip(out, outputs, strict=True):
                kept[clip, hop] = logits[0]
    return [torch.from_numpy(x) for x in out]


def parity(net, memory_path, tokens_path, inputs, clips=8):
    """Nats a hop of network and graphs on held-out performances, and how often their first choices agree."""
    inputs = [x[:clips] for x in inputs]
    heard = forced_logits(memory_path, tokens_path, inputs, clips)
    with torch.no_grad():
        taught = net(*inputs)[:len(heard)]
    tokens = inputs[-1]
    nats = [sum(F.cross_entropy(x.flatten(0, 1), tokens[..., i].flatten()).item() for i, x in enumerate(y))
            for y in (taught, heard)]
    agree = np.mean([(a.argmax(-1) == b.argmax(-1)).float().mean().item() for a, b in zip(taught, heard, strict=True)])
    return {"torch_nats": nats[0], "graph_nats": nats[1], "top1_agreement": float(agree)}


def main():
    parser = argparse.ArgumentParser(description="Export the acoustic language model.")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--codec", required=True)
    parser.add_argument("--render", required=True)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = trainer.load(options.weights)
    paths = options.out / "memory.onnx", options.out / "tokens.onnx"
    full_memory = export_memory(net, paths[0])
    export_tokens(net, paths[1])
    checked = options.out / "tokens_logits.onnx"
    full_checked = export_tokens(net, checked, logits=True)
    performances = trainer.performances(codec.load(options.codec), Shards(options.render, "held", limit=1).rows)
    inputs = trainer.batch(np.random.default_rng(3), performances, 24, 240, corrupt=False)
    figures = {"bytes": {path.name: path.stat().st_size for path in paths}, "steps": torch.load(options.weights)["step"],
               "levels": net.levels,
               "fp32_graph": parity(net, full_memory, full_checked, inputs), "int8_graph": parity(net, paths[0], checked, inputs),
               "step": {path.stem: time_at_cadence(StepGraph(path).run) for path in paths}}
    (options.out / "acoustic.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
