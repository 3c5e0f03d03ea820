"""Prune a trained network: cut what is missed least (`cut`), then let it learn from the network it was cut from.

    python -m antiphon.train.prune notes --weights T.pt --out S.pt --keep 0.5 --heads 2 --layers 3 --data MELODIES --minutes 9
    python -m antiphon.train.prune acoustic --weights T.pt --out S.pt --keep 0.5 --memory 256 --codec C.pt --render DIR --minutes 9
    python -m antiphon.train.prune codec --weights T.pt --out S.pt --keep 0.5 --decoder-blocks 5 --render DIR --minutes 9

What it writes is a checkpoint as the trainers write it, and is read to resume. The pupil learns what the teacher would have
said (Hinton et al. 2015), and a little of what was right: language models by the divergence from its odds, a decoder by
its raw outputs and by the sound, an encoder by its latents, so that codes keep their meaning.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import acoustic, codec, cut, melodies, network, notes
from .shards import Shards

TRUE_LABELS = 0.3
"""Weight of the true labels beside the teacher's odds."""
SPECTRAL = 0.5
"""Weight of the sound's distance to the recording beside the raw outputs' to the teacher's."""
LOUDEST_NOISE, LEAST_NOISE = 2.0, -14.0
ENCODER = 0.1
"""An encoder's rate to a decoder's: as cut it is nearly right, and steps of Adam for a decoder took it away from there."""
WARM_UP = 30


class Notes:
    """The note model, on performances of melodies."""

    RATE = 4e-4

    def __init__(self, options):
        self.options, self.teacher = options, notes.load(options.weights)
        self.train, held = melodies.split(melodies.read_lines(options.data))
        self.held = notes.as_tensors(melodies.performances(held, 64, 128, seed=5, plain=True))

    def _batch(self, step):
        return notes.as_tensors(melodies.performances(self.train, 24, 128, seed=7_000_003 * (self.options.seed + 1) + step))

    def cut(self):
        shape, options = self.teacher.shape, self.options
        batches = [self._batch(-1 - number) for number in range(8)]
        return cut.note_net(self.teacher, batches, options.keep, options.heads or shape["heads"], options.layers or shape["layers"])

    def again(self, saved):
        pupil = notes.NoteNet(**saved["shape"])
        pupil.load_state_dict(saved["net"])
        return pupil

    def loss(self, pupil, step):
        batch = self._batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            learnt = pupil(batch)
            with torch.no_grad():
                taught = self.teacher(batch)
        weight, targets = batch["weight"], (batch["ioi"], batch["articulation"], batch["next_pitch"])
        missed = sum(map(cut.divergence, taught, learnt))
        nats = sum((F.cross_entropy(logits.float().transpose(1, 2), target, reduction="none") * weight).sum() / weight.sum()
                   for logits, target in zip(learnt, targets, strict=True))  # fmt: skip
        return missed + TRUE_LABELS * nats, {"train": nats.item(), "missed": missed.item()}

    @torch.no_grad()
    def measure(self, pupil):
        told = notes.measure(pupil, self.held)
        agree = np.mean([same_choice(*pair) for pair in zip(self.teacher(self.held), pupil(self.held), strict=True)])
        return f"held-out {told.sum():.4f} onset+pitch {told[0] + told[2]:.4f} agree {agree:.4f}"

    def saved(self, pupil, minutes):
        return {"net": pupil.state_dict(), "shape": pupil.shape, "spent": 60 * minutes}


class Acoustic:
    """The acoustic model, on rendered clips heard by the codec."""

    RATE = 6e-4

    def __init__(self, options):
        self.options, self.teacher = options, acoustic.load(options.weights)
        hears = codec.load(options.codec)
        rows = Shards(options.render, "train", limit=options.shards).rows
        self.items = acoustic.performances(hears, rows, np.random.default_rng(options.seed))
        kept = acoustic.performances(hears, Shards(options.render, "held", limit=1).rows)
        self.held = acoustic.batch(np.random.default_rng(3), kept, 24, 240, corrupt=False)

    def _batch(self, step):
        rng = np.random.default_rng([self.options.seed, 1, step])
        return acoustic.batch(rng, self.items, acoustic.CLIPS, acoustic.HOPS, corrupt=True)

    def cut(self):
        batches = [self._batch(10**6 + number) for number in range(4)]
        return cut.acoustic_net(self.teacher, batches, self.options.keep, self.options.memory or self.teacher.memory)

    def again(self, saved):
        pupil = acoustic.AcousticNet(saved["net"]["codebooks"], **saved["shape"])
        pupil.load_state_dict(saved["net"])
        return pupil

    def loss(self, pupil, step):
        batch = self._batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            learnt = pupil(*batch)
            with torch.no_grad():
                taught = self.teacher(*batch)
        missed = sum(map(cut.divergence, taught, learnt))
        nats = sum(F.cross_entropy(x.float().flatten(0, 1), batch[-1][..., i].flatten()) for i, x in enumerate(learnt))
        return missed + TRUE_LABELS * nats, {"train": nats.item(), "missed": missed.item()}

    @torch.no_grad()
    def measure(self, pupil):
        taught, learnt = self.teacher(*self.held), pupil(*self.held)
        nats = [acoustic.nats(net, self.held).sum() for net in (self.teacher, pupil)]
        agree = np.mean([same_choice(*pair) for pair in zip(taught, learnt, strict=True)])
        return f"held-out {nats[1]:.4f} teacher {nats[0]:.4f} agree {agree:.4f}"

    def saved(self, pupil, minutes):
        return {"net": pupil.state_dict(), "shape": pupil.shape, "minutes": minutes}


class Codec:
    """Encoder and decoder, on rendered clips; codebooks stay as they are."""

    RATE = 3e-4

    def __init__(self, options):
        self.options, self.teacher = options, codec.load(options.weights)
        self.clips = Shards(options.render, "train", seed=[options.seed, 2], limit=options.shards)
        self.kept = Shards(options.render, "held", limit=1).rows[:8]

    def _batch(self, step):
        """A few crops: audio, pitch, loudness, features of what is heard, the teacher's latents, and those to sound."""
        self.clips.rng = np.random.default_rng([self.options.seed, 2, step])
        torch.manual_seed(self.options.seed + step)
        audio, pitch = (torch.from_numpy(x) for x in self.clips.batch(codec.CLIPS, codec.HOPS))
        noise_db = torch.rand(len(audio), 1) * 35 - 85
        heard = audio + (torch.rand(len(audio), 1) < 0.6) * 10 ** (noise_db / 20) * torch.randn_like(audio)
        with torch.no_grad():
            teacher = self.teacher
            features = teacher.encoder.features(*network.spectra(heard), pitch, network.hop_loudness_db(heard))
            latent, _ = teacher.encoder(features, network.zero_state(len(audio), teacher.encoder.count, teacher.encoder.width))
            sounded = latent
            if torch.rand(()) < 0.5:  # decoders are told latents as they are, and as their codes say
                levels = int(torch.randint(codec.LEAST_LEVELS, teacher.quantiser.levels + 1, ()))
                sounded = teacher.quantiser.decode(teacher.quantiser.encode(latent)[0][..., :levels])
        return audio, pitch, network.loudness_class(network.hop_loudness_db(audio)), features, latent, sounded

    def cut(self):
        batches = []
        for number in range(10):
            _, pitch, loudness, features, _, sounded = self._batch(10**6 + number)
            batches.append((features, (sounded, pitch, loudness, _before(len(pitch)))))
        keep = {"encoder": self.options.encoder_keep or self.options.keep, "decoder": self.options.keep}
        blocks = {"encoder": self.options.encoder_blocks or self.teacher.encoder.count,
                  "decoder": self.options.decoder_blocks or self.teacher.decoder.count}
        return cut.codec_net(self.teacher, batches, keep, blocks)

    def again(self, saved):
        pupil = network.Codec(**saved["shape"])
        pupil.load_state_dict(saved["codec"])
        return pupil

    def loss(self, pupil, step):
        audio, pitch, loudness, features, latent, sounded = self._batch(step)
        encoder, decoder = pupil.encoder, pupil.decoder
        learnt, _ = encoder(features, network.zero_state(len(audio), encoder.count, encoder.width))
        with torch.autocast("cpu", torch.bfloat16):
            raw = self._raw(decoder, sounded, pitch, loudness)
            with torch.no_grad():
                taught = self._raw(self.teacher.decoder, sounded, pitch, loudness)
        missed = (learnt - latent).square().mean() / latent.var()
        # Noise is clamped before it sounds, and pitch has no levels where there is none.
        parts = [x.float().split([raw.shape[-1] - network.NOISE_BANDS, network.NOISE_BANDS], -1) for x in (raw, taught)]
        (tone, noise), (tone_taught, noise_taught) = parts
        voiced = (pitch > 0)[..., None]
        off = ((tone - tone_taught).square() * voiced).sum() / voiced.sum().clamp(min=1) / tone.shape[-1]
        off = off + (noise.clamp(LEAST_NOISE, LOUDEST_NOISE) - noise_taught.clamp(LEAST_NOISE, LOUDEST_NOISE)).square().mean()
        log_level, mask, magnitude = decoder.levels(raw.float(), pitch, loudness, _before(len(pitch)))
        made = network.harmonic_sound(torch.exp(log_level.clamp(-14, 3)) * mask, pitch) + network.noise_sound(magnitude)
        windows = np.random.default_rng([self.options.seed, 3, step]).choice(codec.WINDOWS, 3, replace=False)
        spectral = codec.spectral_loss(made, audio, windows)
        return missed + off + SPECTRAL * spectral, {"latent": missed.item(), "raw": off.item(), "train": spectral.item()}

    @staticmethod
    def _raw(decoder, latent, pitch, loudness):
        state = network.zero_state(len(pitch), decoder.count, decoder.width)
        return decoder.trunk(latent, pitch, loudness, _before(len(pitch)), state)[0]

    @torch.no_grad()
    def measure(self, pupil):
        distances, equal = [], []
        for row in self.kept:
            audio = torch.tensor(row["audio"][:5 * network.RATE].astype(np.float32) / 32768)[None]
            pitch = torch.tensor(row["f0"][:500])[None]
            noise = torch.randn(1, pitch.shape[1], 2 * network.FRAME, generator=torch.Generator().manual_seed(0))
            codes, made = [], []
            for net in (self.teacher, pupil):
                latent, loudness = net.latent(audio, pitch)
                codes.append(net.quantiser.encode(latent)[0])
                made.append(net.decoder(net.quantiser.decode(codes[-1]), pitch, loudness, noise)[0])
            distances.append([codec.mel_distance_db(sound, audio) for sound in made])
            equal.append((codes[0] == codes[1]).float().mean((0, 1)).numpy())
        teacher, learnt = np.mean(distances, 0)
        return f"held-out {learnt:.3f} teacher {teacher:.3f} first-code {np.mean(equal, 0)[0]:.3f} codes {np.mean(equal):.3f}"

    def saved(self, pupil, minutes):
        return {"codec": pupil.state_dict(), "shape": pupil.shape, "minutes": minutes}


def _before(clips):
    """Level of the hop before a clip."""
    return torch.full((clips, 1), network.LOUDNESS_FLOOR_DB - 18)


def same_choice(taught: torch.Tensor, learnt: torch.Tensor) -> float:
    """How often the likeliest class of both is the same."""
    return (taught.argmax(-1) == learnt.argmax(-1)).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in (Notes, Acoustic, Codec):
        one = kinds.add_parser(kind.__name__.lower())
        one.set_defaults(subject=kind)
        one.add_argument("--weights", required=True, help="checkpoint of the network to prune")
        one.add_argument("--out", required=True, help="checkpoint of the pruned one, also read to resume")
        one.add_argument("--keep", type=float, default=0.5, help="share of the feed-forward units that stay")
        one.add_argument("--minutes", type=float, default=9.0)
        one.add_argument("--rate", type=float, default=kind.RATE)
        one.add_argument("--seed", type=int, default=0)
        if kind is Notes:
            one.add_argument("--data", required=True, type=Path, help="folder of *.jsonl.gz")
            one.add_argument("--heads", type=int, help="attention heads that stay, an even number; all")
            one.add_argument("--layers", type=int, help="layers that stay; all")
        else:
            one.add_argument("--render", required=True, help="folder of the shards that antiphon.train.render made")
            one.add_argument("--shards", type=int, help="how many of them; all")
        if kind is Acoustic:
            one.add_argument("--codec", required=True)
            one.add_argument("--memory", type=int, help="units of the memory that stay; all")
        if kind is Codec:
            one.add_argument("--encoder-keep", type=float, help="as --keep, for the encoder")
            one.add_argument("--encoder-blocks", type=int, help="blocks that stay; all")
            one.add_argument("--decoder-blocks", type=int, help="blocks that stay; all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    subject = options.subject(options)
    saved = torch.load(options.out, weights_only=True) if os.path.exists(options.out) else None
    pupil = subject.again(saved) if saved else subject.cut()
    if not saved:
        print(f"before {subject.measure(subject.teacher)}\ncut {subject.measure(pupil)}", flush=True)
    slow = [p for name, p in pupil.named_parameters() if name.startswith("encoder.")]
    quick = [p for name, p in pupil.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": params, "factor": factor} for params, factor in ((slow, ENCODER), (quick, 1.0)) if params]
    optimiser = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98), weight_decay=0.01)
    step, spent = 0, 0.0
    if saved:
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved.get("minutes", saved.get("spent", 0.0) / 60)
    counts = [sum(p.numel() for p in net.parameters()) for net in (subject.teacher, pupil)]
    print(f"{counts[1] / 1e6:.2f}M of {counts[0] / 1e6:.2f}M parameters, {pupil.shape}, from step {step}", flush=True)

    def keep(minutes):
        codec.save(options.out, **subject.saved(pupil, minutes), optimiser=optimiser.state_dict(), step=step)

    began, mean, said = time.monotonic() - 60 * spent, {}, spent
    while (minutes := (time.monotonic() - began) / 60) < options.minutes:
        progress = minutes / options.minutes
        for group in optimiser.param_groups:
            falling = 1 if progress < 0.2 else max(0.02, (1 - progress) / 0.8)
            group["lr"] = group["factor"] * options.rate * min(1, (step + 1) / WARM_UP) * falling
        pupil.train()
        loss, values = subject.loss(pupil, step)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimiser.step()
        step += 1
        mean = {name: 0.95 * mean.get(name, value) + 0.05 * value for name, value in values.items()}
        if minutes - said >= 1:
            said = minutes
            pupil.eval()
            learnt = " ".join(f"{name} {value:.4f}" for name, value in mean.items())
            print(f"{step} {minutes:.1f} min  {learnt}  {subject.measure(pupil)}", flush=True)
            keep(minutes)
    pupil.eval()
    print(f"{step} {options.minutes:.1f} min  {subject.measure(pupil)}", flush=True)
    keep(options.minutes)


if __name__ == "__main__":
    main()
