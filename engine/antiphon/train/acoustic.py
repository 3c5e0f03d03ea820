"""The acoustic language model: performs a planned note in somebody's sound, one hop at a time, and its trainer.

    python -m antiphon.train.acoustic --codec .work/codec.pt --render .work/render --out .work/acoustic.pt --minutes 25

A hop's tokens, in order: loudness class, bend around the planned note, codes of timbre, coarse to fine. A GRU carries the
past, a small perceptron per token the order inside the hop. Set the MALLOC_ variables of `train.codec`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..model import gestures
from ..model.bundle import Bundle
from ..model.gestures import BENDS, LATENT, LOUDNESS_CLASSES, PLAN, TRACE, TRAITS
from ..model.tokens import REST
from . import fast, recover
from .codec import load as load_codec
from .codec import save
from .shards import Shards, colour

CLIPS, HOPS = 16, 200
FIRST_CLIPS = 160
RATE_TOP, WARM_UP = 2e-3, 100


class AcousticNet(nn.Module):
    """Logits of every token of a hop, given the plan, the hop before and the performer's traits.

    `codebooks [levels, 256, 32]` are those whose codes it chooses; `units`: hidden units of each token's perceptron.
    """

    def __init__(self, codebooks, width=256, memory=384, units=None):
        super().__init__()
        self.register_buffer("codebooks", codebooks.clone())
        self.width, self.memory, self.levels = width, memory, len(codebooks)
        self.sizes = [LOUDNESS_CLASSES, BENDS] + [codebooks.shape[1]] * self.levels
        self.units = list(units or [width * 3 // 2] * len(self.sizes))
        # One table for all words of the plan (`gestures.plan_rows`).
        self.words = nn.Embedding(sum(PLAN), width)
        self.register_buffer("rows", torch.tensor(np.cumsum([0, *PLAN[:-1]])), False)
        self.told = nn.Linear(LATENT + TRACE + TRAITS, width)
        self.gru = nn.GRU(width, memory, batch_first=True)
        self.leave = nn.Linear(memory + width, width)
        # What was chosen is told by its latent, not by its number: near codes are near.
        self.chosen = nn.ModuleList([nn.Embedding(LOUDNESS_CLASSES, width), nn.Embedding(BENDS, width)] + [nn.Linear(LATENT, width, bias=False) for _ in range(self.levels)])
        self.ups = nn.ModuleList(nn.Linear(width, count) for count in self.units)
        self.heads = nn.ModuleList(nn.Linear(width + count, size) for count, size in zip(self.units, self.sizes, strict=True))
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.05)

    @property
    def shape(self):
        """What a checkpoint must know to make this network again, beside the codebooks."""
        return {"width": self.width, "memory": self.memory, "units": self.units}

    def enter_hop(self, plan, loudness, latent, trace, who):
        """Plan `[..., 5]` (note, onset, age, remain, note before), the hop before and the traits to `[..., width]`."""
        words = torch.cat([plan, loudness[..., None]], -1) + self.rows
        told = torch.cat([latent, trace, who.expand(*latent.shape[:-1], TRAITS)], -1)
        return F.hardswish(self.words(words).sum(-2) + self.told(told))

    def token_logits(self, index, context):
        """Logits of token `index` from the context, in which the choices before it are already added."""
        hidden = F.hardswish(self.ups[index](F.layer_norm(context, (self.width,))))
        return self.heads[index](torch.cat([context, hidden], -1))

    def told_later(self, index, token):
        """What the later tokens of the hop learn of the choice of token `index`."""
        return self.chosen[index](token if index < 2 else self.codebooks[index - 2][token])

    def forward(self, plan, loudness, latent, trace, who, tokens):
        """Teacher-forced logits of all tokens, a list of `[B, T, size]`; `tokens [B, T, 2 + levels]`."""
        x = self.enter_hop(plan, loudness, latent, trace, who)
        gru = self.gru
        y = fast.Gru.apply(F.linear(x, gru.weight_ih_l0, gru.bias_ih_l0), gru.weight_hh_l0, gru.bias_hh_l0)
        context = self.leave(torch.cat([F.layer_norm(y, (self.memory,)), x], -1))
        logits = []
        for index in range(len(self.sizes)):
            logits.append(self.token_logits(index, context))
            context = context + self.told_later(index, tokens[..., index])
        return logits


@torch.no_grad()
def performance(codec, row):
    """One rendered clip as tokens and plan: a dict of arrays over its hops. Latents are those before codes were found."""
    audio = torch.tensor(row["audio"].astype(np.float32) / 32768)[None]
    latent, loudness = codec.latent(audio, torch.tensor(row["f0"])[None])
    codes, _ = codec.quantiser.encode(latent)
    hops = codes.shape[1]
    pairs = row["f0"][:2 * hops].reshape(hops, 2)
    pitch = np.where(pairs[:, 1] > 0, pairs[:, 1], pairs[:, 0])
    labels = row["note"][:2 * hops].reshape(hops, 2).max(1)
    onset = row["onset"][:2 * hops].reshape(hops, 2).max(1).astype(np.int64)
    starts = np.flatnonzero(onset | (np.diff(labels, prepend=-9) != 0))
    centre, age, remain = np.zeros(hops), np.zeros(hops, np.int64), np.full(hops, -1, np.int64)
    before, last, held = np.full(hops, REST), REST, REST
    onset[:] = 0
    for start, stop in zip(starts, [*starts[1:], hops]):
        sounding = labels[start] >= 0
        if sounding:
            inside = pitch[start:stop]
            # The plan is what the note turned out to be, in cents too: bends are then gestures, not tuning.
            centre[start:stop] = np.median(inside[inside > 0]) if (inside > 0).any() else labels[start]
            if abs(centre[start] - labels[start]) > 1.5:
                centre[start:stop] = labels[start]
            onset[start] = 1
            last, held = held, gestures.note_class(centre[start])
        before[start:stop] = last if sounding else held
        age[start:stop] = np.arange(stop - start)
        remain[start:stop] = np.arange(stop - start, 0, -1)
    bend = np.where((pitch > 0) & (centre > 0), gestures.bend_class(pitch - centre), 0)
    tokens = np.concatenate([loudness[0, :, None].numpy(), bend[:, None], codes[0].numpy()], 1)
    return dict(tokens=tokens, latent=latent[0].numpy(), pitch=np.where(bend > 0, pitch, 0), centre=centre, onset=onset, age=age, remain=remain, before=before)


def coded(codec, rows, rng=None):
    """All clips that hold notes, as `performance` gives them, one after the other; with `rng` each through a random microphone."""
    codec.eval()
    for row in rows:
        if (row["note"] >= 0).any():
            if rng is not None:
                row = {**row, "audio": np.clip(colour(rng, row["audio"].astype(np.float32)), -32768, 32767)}
            yield performance(codec, row)


def performances(codec, rows, rng=None):
    """`coded`, all at once."""
    return list(coded(codec, rows, rng))


def prompt_traits(item, first, last):
    """Traits of a stretch of a performance, from its hops in which a note sounds."""
    hops = np.arange(first, last)
    sounding = hops[(item["centre"][first:last] > 0) & (item["tokens"][first:last, 0] > 0)]
    hops = sounding if len(sounding) > 4 else hops
    bends = np.where(item["pitch"][hops] > 0, item["pitch"][hops] - item["centre"][hops], np.nan)
    with np.errstate(all="ignore"):
        return gestures.traits(item["latent"][hops], item["tokens"][hops, 0], bends)


def example(rng, item, hops, corrupt):
    """A crop as network inputs and tokens. `corrupt` disturbs the hop before, so that the model survives its own mistakes."""
    count = len(item["tokens"])
    begin = rng.integers(0, count - hops + 1)
    crop = slice(begin, begin + hops)
    length = rng.integers(60, 220)
    first = rng.integers(0, max(1, count - length))
    who = prompt_traits(item, first, min(count, first + length))
    shifted = {k: np.concatenate([np.zeros_like(item[k][:2]), item[k]])[begin:begin + hops + 1] for k in ("tokens", "latent", "pitch")}
    loudness, latent = shifted["tokens"][1:, 0].copy(), shifted["latent"][1:].copy()
    pitch, earlier = shifted["pitch"][1:].copy(), shifted["pitch"][:-1].copy()
    centre = item["centre"][crop]
    remain = item["remain"][crop]
    if corrupt:
        strength = rng.uniform(0, 0.6) * (rng.random() < 0.75)
        latent += strength * latent.std(0) * rng.standard_normal(latent.shape).astype(np.float32)
        swap = rng.random(hops) < 0.3 * strength
        latent[swap] = latent[rng.integers(hops, size=swap.sum())]
        loudness = np.clip(loudness + np.round(rng.normal(0, 2 * strength, hops)) * (loudness > 0), 0, LOUDNESS_CLASSES - 1).astype(np.int64)
        # Little noise on pitch: a model that cannot trust where it was cannot hold a vibrato.
        wobble = rng.normal(0, 0.04 * strength, hops)
        pitch, earlier = np.where(pitch > 0, pitch + wobble, 0), np.where(earlier > 0, earlier + np.roll(wobble, 1), 0)
        centre = np.where(centre > 0, centre, 0)
        who = who + 0.05 * np.abs(who) * rng.standard_normal(len(who)).astype(np.float32)
        # Listening, nobody knows when a note will end; playing, the plan says it. Somewhere in the crop the one becomes the other.
        if rng.random() < 0.7:
            remain = np.where(np.arange(hops) < rng.integers(0, int(1.3 * hops)), -1, remain)
    plan = np.stack([gestures.note_class(centre), item["onset"][crop], gestures.age_class(item["age"][crop]), gestures.remain_class(remain), item["before"][crop]], -1)
    return plan, loudness, latent.astype(np.float32), gestures.trace(pitch, earlier, centre), who, item["tokens"][crop]


def batch(rng, items, clips, hops, corrupt):
    """`clips` examples as tensors in the order of `AcousticNet.forward`; tokens of all levels, of which a network may choose fewer."""
    parts = zip(*(example(rng, items[rng.integers(len(items))], hops, corrupt) for _ in range(clips)))
    plan, loudness, latent, trace, who, tokens = (torch.from_numpy(np.stack(x)) for x in parts)
    return plan, loudness, latent, trace, who[:, None], tokens


def nats(net, inputs):
    """Cross entropy of each token, a tensor `[2 + levels]`."""
    with torch.autocast("cpu", torch.bfloat16, enabled=net.training):
        logits = net(*inputs)
    return torch.stack([F.cross_entropy(x.float().flatten(0, 1), inputs[-1][..., i].flatten()) for i, x in enumerate(logits)])


def load(path):
    """The trained network of a checkpoint, in eval mode."""
    saved = torch.load(path)
    net = AcousticNet(saved["net"]["codebooks"], **saved.get("shape", {}))
    net.load_state_dict(saved["net"])
    return net.eval()


def main():
    parser = argparse.ArgumentParser(description="Train the acoustic language model.")
    parser.add_argument("--codec", required=True)
    parser.add_argument("--render", required=True)
    parser.add_argument("--out", required=True, help="checkpoint, also read to resume")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=RATE_TOP)
    parser.add_argument("--levels", type=int, default=3, help="levels of codes that it chooses")
    parser.add_argument("--start", metavar="BUNDLE", help="begin with the weights of this bundle")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    codec = load_codec(options.codec)
    rows = Shards(options.render, "train").rows
    order = np.random.default_rng([options.seed, 1]).permutation(len(rows))
    coming = coded(codec, (rows[n] for n in order), np.random.default_rng(options.seed))
    kept = performances(codec, Shards(options.render, "held", limit=1).rows)
    net = AcousticNet(codec.quantiser.codebooks[:options.levels])
    if options.start:
        begun = recover.acoustic(Bundle.open(options.start))
        weights = begun.state_dict()
        net = AcousticNet(codec.quantiser.codebooks[:options.levels], **{**begun.shape, "units": begun.units[:len(net.sizes)]})
        net.load_state_dict({name: weights.get(name, value) if name != "codebooks" else value for name, value in net.state_dict().items()})
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters, {len(rows)} clips", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, betas=(0.9, 0.98), weight_decay=0.02)
    step, spent = 0, 0.0
    if os.path.exists(options.out):
        saved = torch.load(options.out)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved["minutes"]
    rng = np.random.default_rng([options.seed, step])
    judged = batch(np.random.default_rng(3), kept, 24, 240, corrupt=False)
    items = list(itertools.islice(coming, FIRST_CLIPS))
    began, mean = time.time() - spent * 60, None
    while (minutes := (time.time() - began) / 60) < options.minutes:
        progress = minutes / options.minutes
        items += itertools.islice(coming, 1)  # one clip more a step, until all are known: nobody waits for them
        rate = options.rate * min(1, (step + 1) / WARM_UP) * (1 if progress < 0.25 else max(0.02, (1 - progress) / 0.75))
        for group in optimiser.param_groups:
            group["lr"] = rate
        net.train()
        losses = nats(net, batch(rng, items, CLIPS, HOPS, corrupt=True))
        optimiser.zero_grad()
        losses.sum().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        mean = losses.detach().numpy() if mean is None else 0.97 * mean + 0.03 * losses.detach().numpy()
        if step % 100 == 0:
            net.eval()
            with torch.no_grad():
                held = nats(net, judged).numpy()
            print(f"{step} {minutes:.1f} min  train {mean.sum():.2f}  held-out {held.sum():.2f} nats a hop: {np.round(held, 2)} of {len(items)} clips", flush=True)
        if step % 200 == 0:
            save(options.out, net=net.state_dict(), shape=net.shape, optimiser=optimiser.state_dict(), step=step, minutes=minutes)
    save(options.out, net=net.state_dict(), shape=net.shape, optimiser=optimiser.state_dict(), step=step, minutes=options.minutes)


if __name__ == "__main__":
    main()
