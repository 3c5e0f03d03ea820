"""Train the note language model: what note comes next, and when?

A causal transformer over note events (AudioLM's semantic stage, with notes for semantic tokens). Half of its heads
rotate keys by note number and half by real onset time (Su et al. 2021, RoPE), so that both motif and metre are near.
From the first step it is told what the match model (`antiphon.model.match`) would play, and how far the note lies from
the performer's register.

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000 MALLOC_TOP_PAD_=500000000 \
        python -m antiphon.train.notes --data MELODIES --out .work/notes/notes.pt --minutes 24
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..model import score
from ..model.bundle import Bundle
from . import melodies, recover

TOLD = (score.INTERVALS, 2 * score.LEAP + 1, score.IOIS + 1, score.ARTICULATIONS + 1, score.INTERVALS, score.IOIS + 1, score.LONGEST_MATCH + 1)
"""Classes of what a token says beside its pitch: interval, register, inter-onset and articulation before it, and the match
model's interval, inter-onset and length."""


def gelu(x):
    """The tanh form, which step graphs run fastest."""
    return F.gelu(x, approximate="tanh")


class Block(nn.Module):
    """Pre-norm attention and feed-forward."""

    def __init__(self, width: int, heads: int, size: int, feed: int):
        super().__init__()
        self.heads, self.size = heads, size
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * heads * size, bias=False)
        self.out = nn.Linear(heads * size, width, bias=False)
        self.norm_feed = nn.LayerNorm(width)
        self.up = nn.Linear(width, feed)
        self.down = nn.Linear(feed, width)

    def forward(self, x, cos, sin, mask):
        batch, notes, _ = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).view(batch, notes, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        # Spelled out: the fused kernel's backward pass takes three times as long on a CPU at this size.
        weights = (rotate(q, cos, sin) @ rotate(k, cos, sin).transpose(2, 3) * q.shape[-1] ** -0.5 + mask).softmax(-1)
        attended = weights.to(v.dtype) @ v
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        return x + self.down(gelu(self.up(self.norm_feed(x))))


def rotate(x, cos, sin):
    """Rotate the two halves of the last axis by the given angles."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1).to(x.dtype)


class NoteNet(nn.Module):
    """Token n is note n with the timing of note n - 1; then inter-onset, articulation, pitch of note n + 1.

    `feeds`: units of each layer's feed-forward, `ends` those of the articulation and pitch heads, `size` that of an attention
    head; pruning leaves fewer heads and units.
    """

    def __init__(self, width: int = 256, layers: int = 4, heads: int = 4, feeds=None, ends=None, size: int | None = None):
        super().__init__()
        feeds, ends, size = list(feeds or [4 * width] * layers), list(ends or (width, 2 * width)), size or width // heads
        self.shape = {"width": width, "layers": layers, "heads": heads, "feeds": feeds, "ends": ends, "size": size}
        self.width, self.heads, self.layers, self.size = width, heads, layers, size
        embed = lambda size, wide=width: nn.Embedding(size, wide)  # noqa: E731
        self.pitch, self.chroma = embed(score.NOTES), embed(12)
        self.told = nn.ModuleList(map(embed, TOLD))
        self.ioi_to_articulation, self.ioi_to_pitch = (embed(score.IOIS, end) for end in ends)
        self.articulation_to_pitch = embed(score.ARTICULATIONS, ends[1])
        for table in self.modules():
            if isinstance(table, nn.Embedding):
                nn.init.normal_(table.weight, std=0.05)
        self.blocks = nn.ModuleList(Block(width, heads, size, feed) for feed in feeds)
        self.norm = nn.LayerNorm(width)
        # What all three heads want of the trunk is one product.
        self.shared = nn.Linear(width, score.IOIS + sum(ends))
        self.articulation_end, self.pitch_end = nn.Linear(ends[0], score.ARTICULATIONS), nn.Linear(ends[1], score.NOTES)
        # Nats by which the match model's opinion is raised, by match length; starts as a guess.
        start = torch.linspace(0.0, 4.0, score.LONGEST_MATCH + 1)
        self.match_pitch_nats = nn.Parameter(start.clone())
        self.match_ioi_nats = nn.Parameter(0.5 * start)
        by_note, by_time = score.angle_rates(size // 2)
        self.register_buffer("by_note", torch.tensor(by_note, dtype=torch.float32), persistent=False)
        self.register_buffer("by_time", torch.tensor(by_time, dtype=torch.float32), persistent=False)

    def tokens(self, pitch, *told):
        """Sum the embeddings of a token; every argument is an integer tensor of one shape, `told` in the order of TOLD."""
        x = self.pitch(pitch) + self.chroma((pitch + score.NOTE_LO) % 12)
        return x + sum(table(value) for table, value in zip(self.told, told, strict=True))

    def hidden(self, batch):
        """Run the trunk over whole performances: dictionary of (rows, notes) -> (rows, notes, width)."""
        pitch = batch["pitch"]
        rows, notes = pitch.shape
        interval = F.pad(
            (pitch[:, 1:] - pitch[:, :-1]).clamp(-score.LEAP, score.LEAP) + score.LEAP, (1, 0), value=score.NO_INTERVAL
        )
        ioi_before = F.pad(batch["ioi"][:, :-1], (1, 0), value=score.NO_IOI)
        articulation_before = F.pad(batch["articulation"][:, :-1], (1, 0), value=score.NO_ARTICULATION)
        match = (batch["match_interval"], batch["match_ioi"], batch["match_length"])
        x = self.tokens(pitch, interval, batch["register"], ioi_before, articulation_before, *match)
        onset = F.pad(batch["hops"].cumsum(1)[:, :-1], (1, 0)).float()
        number = torch.arange(notes, dtype=torch.float32).expand(rows, notes)
        half = self.heads // 2
        angle = torch.cat([(number[..., None] * self.by_note)[:, None].expand(-1, half, -1, -1),
                           (onset[..., None] * self.by_time)[:, None].expand(-1, half, -1, -1)], 1)  # fmt: skip
        cos, sin = angle.cos(), angle.sin()
        seen = torch.ones(notes, notes, dtype=torch.bool)
        mask = torch.zeros(notes, notes).masked_fill(~(seen.tril() & ~seen.tril(-score.WINDOW - 1)), -1e9)
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        return self.norm(x)

    def forward(self, batch):
        """Teacher-forced logits (inter-onset, articulation, pitch), each (rows, notes, classes)."""
        shared, (articulation_units, pitch_units) = self.shared(self.hidden(batch)), self.shape["ends"]
        of_ioi, of_articulation, of_pitch = shared.split([score.IOIS, articulation_units, pitch_units], -1)
        match_interval, match_ioi, length = (batch[name] for name in ("match_interval", "match_ioi", "match_length"))
        known = F.one_hot(match_ioi, score.IOIS + 1)[..., : score.IOIS].to(shared.dtype)
        ioi = of_ioi + known * self.match_ioi_nats[length][..., None]
        articulation = self.articulation_end(gelu(of_articulation + self.ioi_to_articulation(batch["ioi"])))
        told = self.ioi_to_pitch(batch["ioi"]) + self.articulation_to_pitch(batch["articulation"])
        target = batch["pitch"] + match_interval - score.LEAP
        valid = (match_interval < score.NO_INTERVAL) & (target >= 0) & (target < score.NOTES)
        known = F.one_hot(target.clamp(0, score.NOTES - 1), score.NOTES).to(shared.dtype)
        pitch = self.pitch_end(gelu(of_pitch + told)) + known * (self.match_pitch_nats[length] * valid)[..., None]
        return ioi, articulation, pitch


def losses(net: NoteNet, batch) -> torch.Tensor:
    """Return nats per note of the three heads, (3,): inter-onset bin, articulation, pitch."""
    targets = (batch["ioi"], batch["articulation"], batch["next_pitch"])
    weight = batch["weight"]
    nats = [
        (F.cross_entropy(logits.float().transpose(1, 2), target, reduction="none") * weight).sum() / weight.sum()
        for logits, target in zip(net(batch), targets, strict=False)
    ]
    return torch.stack(nats)


def as_tensors(batch):
    """NumPy batch -> torch batch."""
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in batch.items()}


def without_match(batch):
    """Return the batch as it looks when the match model is silent."""
    silent = {"match_interval": score.NO_INTERVAL, "match_ioi": score.NO_IOI, "match_length": 0}
    return {**batch, **{name: torch.full_like(batch[name], value) for name, value in silent.items()}}


@torch.no_grad()
def measure(net: NoteNet, batch, rows: int = 16) -> np.ndarray:
    """Held-out nats per note of the three heads."""
    parts = [{k: v[i : i + rows] for k, v in batch.items()} for i in range(0, len(batch["pitch"]), rows)]
    return np.mean([losses(net, part).numpy() for part in parts], axis=0)


def load(path: str | Path) -> NoteNet:
    """Load the newest weights of a checkpoint."""
    saved = torch.load(path, weights_only=True)
    net = NoteNet(**saved["shape"])
    net.load_state_dict(saved["net"])
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of *.jsonl.gz")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=24.0)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--notes", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", metavar="BUNDLE", help="begin with the weights of this bundle")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    train, held = melodies.split(melodies.read_lines(args.data))
    check = as_tensors(melodies.performances(held, 96, args.notes, seed=5, plain=True))
    net = recover.notes(Bundle.open(args.start)) if args.start else NoteNet()
    gains = [net.match_pitch_nats, net.match_ioi_nats]
    rest = [p for p in net.parameters() if not any(p is g for g in gains)]
    groups = [
        {"params": rest, "factor": 1.0, "weight_decay": 0.02},
        {"params": gains, "factor": 8.0, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98))
    step, spent, smooth = 0, 0.0, None
    if args.out.exists():
        saved = torch.load(args.out, weights_only=True)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved["spent"]
    print(
        f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters, {len(train)} lines, {len(held)} held out",
        flush=True,
    )

    began = time.monotonic() - spent
    while (spent := time.monotonic() - began) < args.minutes * 60:
        share = spent / (args.minutes * 60)
        for group in optimiser.param_groups:
            decay = 1.0 if share < 0.2 else max(0.02, 1 - (share - 0.2) / 0.8)
            group["lr"] = group["factor"] * args.rate * min(1.0, (step + 1) / 150) * decay
        batch = as_tensors(melodies.performances(train, args.rows, args.notes, seed=1_000_003 * args.seed + step))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            nats = losses(net, batch)
        optimiser.zero_grad()
        nats.sum().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        smooth = nats.detach() if smooth is None else 0.98 * smooth + 0.02 * nats.detach()
        if not math.isfinite(float(smooth.sum())):
            raise SystemExit("antiphon: training diverged; lower --rate and begin again")
        if step % 200 == 0:
            told, alone = measure(net, check), measure(net, without_match(check))
            print(f"{step} {spent / 60:.1f} min  train {smooth.numpy().round(3)}  held out {told.round(3)} onset+pitch "
                  f"{told[0] + told[2]:.3f}  without match {alone[0] + alone[2]:.3f}", flush=True)  # fmt: skip
            torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent, "shape": net.shape}, args.out)
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent, "shape": net.shape}, args.out)
    print(f"done: {step} steps in {spent / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
