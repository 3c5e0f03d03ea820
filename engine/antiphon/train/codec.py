"""Train the codec: `python -m antiphon.train.codec --render DIR --out FILE --minutes 47`. Resumes from FILE where it exists.

With `--decoder-of CODEC` only the decoder goes on learning, from the codes of a finished codec: codes keep their meaning, so
an acoustic model trained on them stays valid.

One thread. Set MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000 MALLOC_TOP_PAD_=500000000, or torch spends its time in page faults.
"""

import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from ..model.bundle import Bundle
from . import network, recover
from .network import FRAME, RATE
from .shards import Shards

WINDOWS = (256, 512, 1024, 2048, 4096)
CLIPS, HOPS = 8, 64
RATE_TOP, WARM_UP, UNQUANTISED_STEPS = 2e-3, 100, 200
HARMONICS_JUDGED = 64
LEAST_LEVELS = 3

_mel = {512: network.mel_bands(512, 40), 1024: network.mel_bands(1024, 64), 2048: network.mel_bands(2048, 80), 4096: network.mel_bands(4096, 128)}


def magnitude(audio, window):
    spectrum = torch.stft(audio, window, window // 4, window=torch.hann_window(window), return_complex=True, normalized=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()


def spectral_loss(made, wanted, windows):
    """Log magnitude, spectral convergence and log mel distance, averaged over `windows`."""
    total = 0.0
    for window in windows:
        a = magnitude(made, window)
        with torch.no_grad():
            b = magnitude(wanted, window)
        convergence = (a - b).square().sum((1, 2)).sqrt() / (b.square().sum((1, 2)).sqrt() + 0.05)
        total = total + (torch.log(a + 5e-4) - torch.log(b + 5e-4)).abs().mean() + 0.5 * convergence.mean()
        if window in _mel:
            bands = _mel[window].to(a.device)
            total = total + 0.5 * (torch.log(a.transpose(1, 2) @ bands + 1e-4) - torch.log(b.transpose(1, 2) @ bands + 1e-4)).abs().mean()
    return total / len(windows)


@torch.no_grad()
def harmonic_target(audio, pitch):
    """Measured log amplitudes of the first harmonics at the end of each control frame, and where the measure can be trusted."""
    found = None
    for window in (2048, 4096):
        shape = torch.hann_window(window)
        padded = F.pad(audio, (window // 2 - FRAME, window // 2))
        spectrum = torch.fft.rfft(padded.unfold(-1, window, FRAME) * shape).abs() / shape.sum()
        level, inside = network.harmonic_levels(spectrum, pitch, HARMONICS_JUDGED, window)
        found = (level, inside) if found is None else (torch.where((pitch < 50)[..., None], level, found[0]), inside & found[1])
    return found[0], found[1] & (found[0] > -9.5)


def mel_distance_db(made, wanted):
    """Mean log-mel difference in dB where the reference is above -60 dB of its maximum."""
    shape, bands = torch.hann_window(2048).to(made.device), _mel[2048].to(made.device)
    spectra = (torch.stft(x, 2048, 512, window=shape, return_complex=True).abs() for x in (wanted, made))
    a, b = (20 * torch.log10(x.transpose(-1, -2) @ bands + 1e-3) for x in spectra)
    active = a.max(-1, keepdim=True)[0] > a.max() - 60
    return float(((a.clamp(min=-60) - b.clamp(min=-60)).abs() * active).sum() / active.sum() / a.shape[-1])


def pitch_agreement(made, wanted, tracker):
    """Share of surely voiced 16 ms of `wanted` in which an independent tracker hears the same pitch within 50 cents in `made`, and the median error in cents."""
    first, second = tracker.detect(wanted, RATE), tracker.detect(made, RATE)
    sure = first.confidence > 0.85
    if sure.sum() < 5:
        return np.nan, np.nan
    error = np.abs(1200 * np.log2(np.maximum(second.pitch_hz, 20) / np.maximum(first.pitch_hz, 20)))[sure]
    return float((error < 50).mean()), float(np.median(error))


def judge(codec, rows, tracker, levels=None, seconds=5):
    """Mean mel distance in dB, pitch agreement and its median error over clips `rows` (dicts with audio int16 and f0)."""
    codec.eval()
    results = []
    for row in rows:
        audio = torch.tensor(row["audio"][:seconds * RATE].astype(np.float32) / 32768)[None]
        made = codec.resynthesise(audio, torch.tensor(row["f0"][:seconds * 100])[None], levels)
        results.append((mel_distance_db(made, audio), *pitch_agreement(made[0].numpy(), audio[0].numpy(), tracker)))
    codec.train()
    return np.nanmean(np.array(results), 0)


def in_a_room(audio):
    """The same clips `[B, frames]`, most of them with a little noise under them, as the encoder is to hear them."""
    noise_db = torch.rand(len(audio), 1) * 35 - 85
    return audio + (torch.rand(len(audio), 1) < 0.6) * 10 ** (noise_db / 20) * torch.randn_like(audio)


@torch.no_grad()
def coded(codec, heard, pitch, choose):
    """Latents of clips for a decoder to learn from: half of the time those of their codes, of a random number of levels (the acoustic
    model may choose fewer than there are), half of the time as they are, which is what the performer's own moments give it.
    """
    codec.eval()
    latent = codec.latent(heard, pitch)[0]
    codes, _ = codec.quantiser.encode(latent)
    codec.train()
    if choose.random() < 0.5:
        return latent
    return codec.quantiser.decode(codes[..., :choose.integers(LEAST_LEVELS, codec.quantiser.levels + 1)])


def decoder_losses(decoder, latent, pitch, audio, choose):
    """How far the decoder's sound of `latent` is from the clips it was made from: spectral and harmonic loss."""
    made, levels = decoder(latent, pitch, network.loudness_class(network.hop_loudness_db(audio)))
    # Three of the five resolutions a step: the mean is the same, the step a quarter shorter.
    spectral = spectral_loss(made, audio, choose.choice(WINDOWS, 3, replace=False))
    wanted, trusted = harmonic_target(audio, pitch)
    return spectral, ((levels[..., :HARMONICS_JUDGED] - wanted).abs() * trusted).sum() / trusted.sum().clamp(min=1)


def load(path):
    """The trained codec of a checkpoint, in eval mode. One without a shape has the usual one."""
    saved = torch.load(path)
    codec = network.Codec(**saved.get("shape", {}))
    codec.load_state_dict(saved["codec"])
    return codec.eval()


def save(path, **values):
    torch.save(values, f"{path}.part")
    os.replace(f"{path}.part", path)


def main():
    parser = argparse.ArgumentParser(description="Train the codec.")
    parser.add_argument("--render", required=True, help="folder of the shards that antiphon.train.render made")
    parser.add_argument("--out", required=True, help="checkpoint, also read to resume")
    parser.add_argument("--minutes", type=float, default=42)
    parser.add_argument("--decoder-of", help="checkpoint of a finished codec whose decoder alone shall learn on")
    parser.add_argument("--top-rate", type=float, default=RATE_TOP)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", metavar="BUNDLE", help="begin with the weights of this bundle")
    parser.add_argument("--bypass", type=float, default=0.1, help="share of steps that leave latents as they are")
    options = parser.parse_args()
    from swift_f0 import SwiftF0
    tracker = SwiftF0(threads=1)
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    codec = recover.codec(Bundle.open(options.start)) if options.start else network.Codec()
    if options.decoder_of:
        codec = load(options.decoder_of)
    learning = codec.decoder if options.decoder_of else codec
    optimiser = torch.optim.AdamW(learning.parameters(), lr=RATE_TOP, betas=(0.9, 0.99), weight_decay=1e-3)
    step, spent = 0, 0.0
    if os.path.exists(options.out):
        saved = torch.load(options.out)
        codec.load_state_dict(saved["codec"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved["minutes"]
    clips = Shards(options.render, "train", seed=[options.seed, step])
    kept = Shards(options.render, "held", limit=1).rows[:12]
    choose = np.random.default_rng([options.seed, step, 1])
    print(f"{sum(p.numel() for p in codec.parameters()) / 1e6:.2f}M parameters, {len(clips.rows)} clips, from step {step}", flush=True)
    began, mean = time.time() - spent * 60, None
    codec.train()
    while (minutes := (time.time() - began) / 60) < options.minutes:
        progress = minutes / options.minutes
        rate = options.top_rate * min(1, (step + 1) / WARM_UP) * (1 if progress < 0.35 else max(0.02, (1 - progress) / 0.65))
        for group in optimiser.param_groups:
            group["lr"] = rate
        audio, pitch = (torch.from_numpy(x) for x in clips.batch(CLIPS, HOPS))
        heard, commitment = in_a_room(audio), torch.zeros(())
        latent = coded(codec, heard, pitch, choose) if options.decoder_of else codec.latent(heard, pitch)[0]
        if not options.decoder_of and (options.start or step >= UNQUANTISED_STEPS) and choose.random() > options.bypass:
            latent, commitment = codec.quantiser(latent)
        loss, harmonic = decoder_losses(codec.decoder, latent, pitch, audio, choose)
        optimiser.zero_grad()
        (loss + 0.25 * harmonic + 0.25 * commitment).backward()
        norm = torch.nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
        optimiser.step()
        step += 1
        values = np.array([loss.item(), harmonic.item(), commitment.item()])
        mean = values if mean is None else 0.98 * mean + 0.02 * values
        if step % 50 == 0:
            print(f"{step} {minutes:.1f} min  spectral {mean[0]:.4f} harmonic {mean[1]:.3f} commitment {mean[2]:.4f} norm {norm:.2f} clips {len(clips.rows)}", flush=True)
        if step % 250 == 0:
            clips.refresh()
            save(options.out, codec=codec.state_dict(), shape=codec.shape, optimiser=optimiser.state_dict(), step=step, minutes=minutes)
        if step % 500 == 0:
            distance, same, cents = judge(codec, kept, tracker)
            print(f"held-out: mel {distance:.2f} dB, pitch within 50 cents {same:.3f}, median {cents:.1f} cents", flush=True)
    save(options.out, codec=codec.state_dict(), shape=codec.shape, optimiser=optimiser.state_dict(), step=step, minutes=options.minutes)
    for count in (6, 4, 2, 1):
        print("final held-out", count, "levels: mel {:.2f} dB, pitch {:.3f}, median {:.1f} cents".format(*judge(codec, kept, tracker, count)), flush=True)


if __name__ == "__main__":
    main()
