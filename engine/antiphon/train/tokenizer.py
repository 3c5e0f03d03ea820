"""Train the frame tokenizer: note or stroke, onset and fine pitch of every hop, from rendered sound.

Harmonics are stacked as channels (HCQT, Bittner et al. 2017), three small convolutions look for a note in them, a GRU
decides. Sound is spoilt heavily before it is shown: colour, room, noise, hum, level.

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000 MALLOC_TOP_PAD_=500000000 \
        python -m antiphon.train.tokenizer --renders .work/render .work/render-strokes --out .work/tokenizer.pt --minutes 24

Each folder of renders is drawn from as often as `--shares` says, else by its number of clips.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import scipy.fft
import torch
import torch.nn.functional as F
from torch import nn

from ..model.bundle import Bundle
from ..model.tokenizer import (
    BIN_PITCH,
    BINS_PER_NOTE,
    COLOURS,
    LOOK_AHEAD_HOPS,
    PITCHES,
    SPECTRUM,
    STACK,
    STACK_LINES,
    FrontEnd,
)  # fmt: skip
from ..model.tokens import HOP, MODEL_RATE, NOTE_LO, NOTES, REST, STROKE
from . import fast, recover

STRUCK = -2  # a stroke, in the shards' `note`
NOBODY_KNOWS = -100  # in a target: speech has a pitch, but where its notes are and begin nobody can say
CHANNELS, NARROW, HIDDEN = 16, 8, 192
LINES = torch.from_numpy(STACK_LINES)


def gelu(x):
    """The tanh form, which quantised graphs run fastest."""
    return F.gelu(x, approximate="tanh")


class TokenizerNet(nn.Module):
    """Spectra of hops -> logits of note, rest and stroke (NOTES + 2), onset, fine pitch (PITCHES + 1)."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(STACK, CHANNELS, (2, 5), padding=(0, 2))
        self.second = nn.Conv2d(CHANNELS, CHANNELS, (2, 7), padding=(0, 3))
        self.third = nn.Conv2d(CHANNELS, NARROW, (2, 3), padding=(0, 1))
        self.reduce = nn.Conv1d(NARROW, 6, BINS_PER_NOTE, stride=BINS_PER_NOTE)
        self.into = nn.Linear(6 * NOTES + COLOURS, HIDDEN)
        self.gru = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.note = nn.Linear(HIDDEN, NOTES + 2)
        self.note_skip = nn.Conv1d(NARROW, 1, BINS_PER_NOTE, stride=BINS_PER_NOTE)
        self.onset = nn.Linear(HIDDEN, 1)
        self.fine = nn.Conv1d(NARROW, 1, 3, padding=1)
        self.coarse = nn.Linear(HIDDEN, NOTES + 1)  # which octave the fine pitch is in, and whether there is one

    def forward(self, spectra, state=None):
        """(rows, hops, SPECTRA) -> note (rows, hops, 78), onset (rows, hops), pitch (rows, hops, 229), state."""
        rows, hops, _ = spectra.shape
        zeros = lambda channels: spectra.new_zeros(rows, channels, 1, PITCHES)  # noqa: E731
        past = state or (zeros(STACK), zeros(CHANNELS), zeros(CHANNELS), spectra.new_zeros(1, rows, HIDDEN))
        x0 = torch.cat([past[0], spectra[..., LINES].transpose(1, 2)], 2)
        x1 = torch.cat([past[1], gelu(self.first(x0))], 2)
        x2 = torch.cat([past[2], x1[:, :, 1:] + gelu(self.second(x1))], 2)
        x3 = gelu(self.third(x2))
        each = x3.permute(0, 2, 1, 3).reshape(rows * hops, NARROW, PITCHES)
        notes = gelu(self.reduce(each)).reshape(rows, hops, -1)
        colour = spectra[..., SPECTRUM:-1].reshape(rows, hops, COLOURS, BINS_PER_NOTE).mean(-1)
        h = gelu(self.into(torch.cat([notes, colour], -1)))
        g, gru = self.gru(h, past[3]) if state or not self.training else self._gru_from_rest(h)
        g = g + h
        note = self.note(g)
        note = torch.cat([note[..., :NOTES] + self.note_skip(each).view(rows, hops, NOTES), note[..., NOTES:]], -1)
        coarse = self.coarse(g)
        fine = self.fine(each).view(rows, hops, NOTES, BINS_PER_NOTE) + coarse[..., :NOTES, None]
        pitch = torch.cat([fine.reshape(rows, hops, PITCHES), coarse[..., NOTES:]], -1)
        return note, self.onset(g)[..., 0], pitch, (x0[:, :, -1:], x1[:, :, -1:], x2[:, :, -1:], gru)


    def _gru_from_rest(self, h):
        """The same from a state of zeros, without a cast at every step."""
        g = self.gru
        out = fast.Gru.apply(F.linear(h, g.weight_ih_l0, g.bias_ih_l0), g.weight_hh_l0, g.bias_hh_l0)
        return out, out[:, -1][None]


def spoil(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colour, room, noise, hum and level for (rows, frames) float32 at 48 kHz; as a microphone in a room would."""
    rows, frames = sound.shape
    points = scipy.fft.next_fast_len(frames + MODEL_RATE // 2, real=True)
    spectrum = scipy.fft.rfft(sound, points, axis=1)
    frequency = np.linspace(0, MODEL_RATE / 2, spectrum.shape[1])
    octave = np.log2(np.maximum(frequency, 30) / 500).astype(np.float32)
    for row in range(rows):
        gain_db = rng.uniform(-4, 4) * octave
        for _ in range(rng.integers(0, 4)):
            gain_db += rng.uniform(-10, 8) * np.exp(-(((octave - rng.uniform(-3, 5)) / rng.uniform(0.2, 1.0)) ** 2))
        if rng.random() < 0.3:
            gain_db -= 24 * np.maximum(0, octave - np.log2(rng.uniform(3000, 9000) / 500))
        if rng.random() < 0.4:
            gain_db -= 18 * np.maximum(0, np.log2(rng.uniform(60, 220) / 500) - octave)
        spectrum[row] *= 10 ** (gain_db / 20)
        if rng.random() < 0.55:
            length = int(rng.uniform(0.05, 0.5) * MODEL_RATE)
            room = rng.standard_normal(length, np.float32) * np.exp(-6.9 * np.arange(length) / length).astype(np.float32)
            room[: int(rng.uniform(40, 800))] *= 0.2
            room *= 10 ** (rng.uniform(-22, -3) / 20) / np.sqrt((room**2).sum())
            room[0] = 1
            spectrum[row] *= scipy.fft.rfft(room, points)
    sound = scipy.fft.irfft(spectrum, points, axis=1)[:, :frames]
    sound /= np.sqrt((sound**2).mean(1, keepdims=True)) + 1e-6
    noise = scipy.fft.rfft(rng.standard_normal((rows, frames), np.float32), axis=1)
    noise /= np.arange(1, noise.shape[1] + 1) ** (0.6 * rng.random((rows, 1)))
    noise = scipy.fft.irfft(noise, frames, axis=1)
    noise /= noise.std(1, keepdims=True)
    sound += noise * 10 ** (-rng.uniform(8, 60, (rows, 1)) / 20)
    time_s = np.arange(frames) / MODEL_RATE
    for row in np.flatnonzero(rng.random(rows) < 0.2):
        mains = rng.choice([50, 60])
        for harmonic in (1, 2, 3, 5):
            sound[row] += 10 ** (rng.uniform(-50, -30) / 20) * np.sin(2 * np.pi * mains * harmonic * time_s + rng.uniform(0, 6))
    return (sound * 10 ** (rng.uniform(-44, -12, (rows, 1)) / 20)).astype(np.float32)


class Shards:
    """Rendered clips in memory: ``audio`` (clips, frames) int16, ``f0 onset note`` (clips, 10 ms frames).

    Percussion that was rendered before strokes had labels is left out: it would teach that a stroke is none.
    """

    def __init__(self, folders: Path | list[Path], kind: str, shares: list[float] | None = None):
        self.parts, self.where, chances = [], [], []
        folders = [folders] if isinstance(folders, Path) else folders
        for folder, share in zip(folders, shares or [None] * len(folders), strict=True):
            paths = sorted(folder.glob(f"{kind}-*.npz"))
            if not paths:
                raise SystemExit(f"antiphon: no {kind}-*.npz in {folder}; render first (python -m antiphon.train.render)")
            parts = [{name: data[name] for name in ("audio", "f0", "onset", "note", "source")} for data in map(np.load, paths)]
            told = [(part, clip) for part in parts for clip in range(len(part["audio"])) if _labelled(part, clip)]
            self.parts += parts
            self.where += told
            chances += [1.0 if share is None else share / len(told)] * len(told)
        self.chances = np.array(chances) / sum(chances)

    def cut(self, which: int, begin: int, hops: int) -> dict[str, np.ndarray]:
        """Cut ``hops`` hops from a clip, with targets: note and onset (one hop late), pitch (PITCH_AGE_S old, 0 unvoiced)."""
        part, clip = self.where[which]
        span = slice(2 * begin, 2 * (begin + hops))
        f0 = part["f0"][clip, span].reshape(hops, 2)
        voiced = f0 > 0
        pitch = np.where(voiced[:, 0], f0[:, 0], f0[:, 1])  # PITCH_AGE_S before the hop's end
        named = part["note"][clip, span].reshape(hops, 2)[:, 1].astype(np.int64) - NOTE_LO
        note = np.where((named >= 0) & (named < NOTES) & (pitch > 0), named, REST)
        note = np.where(named == STRUCK - NOTE_LO, STROKE, note)
        onset = part["onset"][clip, span].reshape(hops, 2).max(1).astype(np.float32)
        if str(part["source"][clip]).endswith("/spoken"):
            note, onset = np.where(note < REST, NOBODY_KNOWS, note), np.full_like(onset, NOBODY_KNOWS)
        late = LOOK_AHEAD_HOPS
        return {
            "sound": part["audio"][clip, begin * HOP : (begin + hops) * HOP].astype(np.float32) / 32768,
            "note": np.concatenate([np.full(late, REST), note[: hops - late]]),
            "onset": np.concatenate([np.zeros(late, np.float32), onset[: hops - late]]),
            "pitch": pitch.astype(np.float32),
        }

    def batch(self, rows: int, hops: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw spoilt cuts: as `cut`, stacked."""
        cuts = []
        for _ in range(rows):
            which = rng.choice(len(self.where), p=self.chances)
            length = self.where[which][0]["f0"].shape[1] // 2
            cuts.append(self.cut(which, int(rng.integers(0, length - hops + 1)), hops))
        batch = {name: np.stack([cut[name] for cut in cuts]) for name in cuts[0]}
        for row in np.flatnonzero(rng.random(rows) < 0.05):  # an empty room, so that it learns to hear nothing
            batch["sound"][row], batch["note"][row], batch["onset"][row], batch["pitch"][row] = 0, REST, 0, 0
        batch["sound"] = spoil(batch["sound"], rng)
        return batch


def _labelled(part: dict[str, np.ndarray], clip: int) -> bool:
    return not str(part["source"][clip]).startswith("percussion/") or bool((part["note"][clip] == STRUCK).any())


def spectra(front: FrontEnd, sound: np.ndarray) -> torch.Tensor:
    """Front end over (rows, frames): (rows, hops, SPECTRA)."""
    return torch.from_numpy(np.stack([front.spectra(row) for row in sound]))


BINS = torch.from_numpy(BIN_PITCH).float()


def losses(net: TokenizerNet, front: FrontEnd, batch) -> tuple[torch.Tensor, float]:
    """Return (3,) losses of note, onset, pitch, and the share of voiced hops whose pitch is within a quarter tone."""
    note, onset, pitch = (x.float() for x in net(spectra(front, batch["sound"]))[:3])
    targets = {name: torch.from_numpy(batch[name]) for name in ("note", "onset", "pitch")}
    note_loss = F.cross_entropy(note.transpose(1, 2), targets["note"], ignore_index=NOBODY_KNOWS)
    known, hit = targets["onset"] >= 0, targets["onset"].clamp(min=0)
    beside = torch.maximum(F.pad(hit, (1, 0))[:, :-1], F.pad(hit, (0, 1))[:, 1:])
    wanted = torch.maximum(hit, 0.4 * beside)
    onset_loss = F.binary_cross_entropy_with_logits(onset[known], wanted[known], pos_weight=torch.tensor(3.0))
    true = targets["pitch"]
    bell = torch.exp(-0.5 * ((BINS - true[..., None]) / 0.3) ** 2)
    voiced = true > 0
    wanted = torch.cat([bell * voiced[..., None], (~voiced)[..., None].float()], -1)
    wanted = wanted / wanted.sum(-1, keepdim=True).clamp(min=1e-6)
    pitch_loss = -(wanted * F.log_softmax(pitch, -1)).sum(-1).mean()
    best = BINS[pitch[..., :PITCHES].argmax(-1)]
    return torch.stack([note_loss, onset_loss, pitch_loss]), ((best - true).abs() < 0.5)[voiced].float().mean().item()


def load(path: str | Path) -> TokenizerNet:
    """Load the newest weights of a checkpoint."""
    net = TokenizerNet()
    net.load_state_dict(torch.load(path, weights_only=True)["net"])
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--renders", required=True, type=Path, nargs="+", help="folders of train-*.npz and held-*.npz")
    parser.add_argument("--shares", type=float, nargs="+", help="how often each of them is drawn from")
    parser.add_argument("--start", metavar="BUNDLE", help="begin with the weights of this bundle")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=24.0)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--hops", type=int, default=150)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.shares and len(args.shares) != len(args.renders):
        parser.error(f"--shares: {len(args.shares)} numbers for {len(args.renders)} folders of renders; give one for each")

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    train, held = Shards(args.renders, "train", args.shares), Shards(args.renders, "held", args.shares)
    front = FrontEnd()
    check = held.batch(24, args.hops, np.random.default_rng(99))
    net = recover.tokenizer(Bundle.open(args.start)) if args.start else TokenizerNet()
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    step, spent, smooth = 0, 0.0, None
    if args.out.exists():
        saved = torch.load(args.out, weights_only=True)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved["spent"]
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters, {len(train.where)} clips", flush=True)

    began = time.monotonic() - spent
    while (spent := time.monotonic() - began) < args.minutes * 60:
        share = spent / (args.minutes * 60)
        rate = args.rate * min(1.0, (step + 1) / 100) * (1.0 if share < 0.3 else max(0.02, 1 - (share - 0.3) / 0.7))
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = train.batch(args.rows, args.hops, np.random.default_rng([args.seed, step]))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, hit = losses(net, front, batch)
        optimiser.zero_grad()
        (loss[0] + loss[1] + 0.7 * loss[2]).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        now = np.append(loss.detach().numpy(), hit)
        smooth = now if smooth is None else 0.97 * smooth + 0.03 * now
        if step % 100 == 0:
            with torch.no_grad():
                held_loss, held_hit = losses(net, front, check)
            print(f"{step} {spent / 60:.1f} min  note onset pitch within-50-cents: train {smooth.round(3)}  "
                  f"held out {held_loss.numpy().round(3)} {held_hit:.3f}", flush=True)  # fmt: skip
            torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent}, args.out)
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent}, args.out)
    print(f"done: {step} steps in {spent / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
