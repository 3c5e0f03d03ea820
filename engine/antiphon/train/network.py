"""The codec's networks: encoder, residual vector quantiser, pitch-explicit decoder. All causal, with explicit state.

One hop is 960 frames at 48 kHz (20 ms) and holds two control frames of 480. Every module takes and returns its state, so
that training (whole clips, zero state) and offline use run the very same lines; the step graphs are drawn from the same
weights (`export_codec`) and compared with these.
Gain and shape are apart: the hop's loudness is its own class, the codes hold timbre only, and silence is exactly silent.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..model import timbre
from ..model.timbre import (
    CODES,
    HEARD,
    HEARD_HARMONICS,
    LATENT,
    LOUDNESS_CLASSES,
    LOUDNESS_FLOOR_DB,
    LOUDNESS_STEP_DB,
    MEL_BANDS,
    PITCH_FEATURES,
    PLANNED,
    SHORT_BANDS,
    SHORT_WINDOW,
    WINDOW,
)  # fmt: skip
from . import fast

RATE, HOP, FRAME = 48000, 960, 480
LEVELS = 6
HARMONICS, ENVELOPE_BANDS, CORRECTED, NOISE_BANDS = 128, 72, 48, 72


def mel_bands(window, count):
    """The mel filters of `model.timbre` as a tensor."""
    return torch.tensor(timbre.mel_bands(window, count))


def warped_bands(bins_hertz, count):
    """Linear interpolation from `count` bands, even on log(1 + f / 500), to frequencies: `[count, bins] float32`."""
    position = np.log10(1 + bins_hertz / 500) / np.log10(1 + RATE / 2 / 500) * (count - 1)
    weights = np.zeros((count, len(bins_hertz)), np.float32)
    lower = np.minimum(count - 2, position.astype(int))
    weights[lower, np.arange(len(position))] = 1 - (position - lower)
    weights[lower + 1, np.arange(len(position))] = position - lower
    return torch.tensor(weights)


def spectra(audio):
    """Magnitudes that end with each control frame: audio `[B, frames]` -> `[B, T, 1025]` and `[B, T, 257]`, full scale sine near 0.5."""
    result = []
    for window in (WINDOW, SHORT_WINDOW):
        shape = torch.hann_window(window)
        padded = F.pad(audio, (window - FRAME, 0))
        result.append(torch.fft.rfft(padded.unfold(-1, window, FRAME) * shape).abs() / shape.sum())
    return result


def hop_loudness_db(audio):
    """Level of each hop in dB rms: `[B, frames]` -> `[B, hops]`."""
    return 10 * torch.log10(audio.unflatten(-1, (-1, HOP)).square().mean(-1) + 1e-12)


def loudness_class(loudness_db):
    """Class 0 is silence, 1..47 are steps of 1.5 dB up from -72 dB."""
    steps = torch.round((loudness_db - LOUDNESS_FLOOR_DB) / LOUDNESS_STEP_DB) + 1
    return torch.where(loudness_db < LOUDNESS_FLOOR_DB, 0.0, steps.clamp(1, LOUDNESS_CLASSES - 1)).long()


def class_loudness_db(loudness):
    """Level in dB of a class; silence counts as 18 dB below the lowest."""
    value = (loudness.float() - 1) * LOUDNESS_STEP_DB + LOUDNESS_FLOOR_DB
    return torch.where(loudness > 0, value, torch.full_like(value, LOUDNESS_FLOOR_DB - 18))


def pitch_features(pitch):
    """Five features of a pitch (MIDI semitones, 0 unvoiced): `[..., T]` -> `[..., T, 5]`."""
    voiced = (pitch > 0).float()
    height = (pitch - 60) / 24 * voiced
    turn = 2 * math.pi / 12 * pitch
    return torch.stack([voiced, height, torch.sin(turn) * voiced, torch.cos(turn) * voiced, height * height], -1)


def hertz_of(pitch):
    """Pitch in MIDI semitones to Hz, 0 where unvoiced."""
    return 440 * torch.exp((pitch - 69) * (math.log(2) / 12)) * (pitch > 0).float()


def harmonic_levels(spectrum, pitch, count, window):
    """Log amplitudes at the harmonics of `pitch`: spectrum `[B, T, K]` -> `[B, T, count]` and where they lie inside the spectrum."""
    place = hertz_of(pitch)[..., None] * torch.arange(1, count + 1) * (window / RATE)
    inside = (pitch > 0)[..., None] & (place < spectrum.shape[-1] - 3)
    index = place.clamp(1, spectrum.shape[-1] - 3).round().long()
    peak = torch.maximum(torch.maximum(spectrum.gather(-1, index - 1), spectrum.gather(-1, index)), spectrum.gather(-1, index + 1))
    return torch.log(2 * peak + 1e-6), inside


class CausalBlock(nn.Module):
    """ConvNeXt block that looks back four frames: `[B, T, C]`, state `[B, 4, C]`; `feed` are the units of its feed-forward."""

    KERNEL = 5

    def __init__(self, width, feed):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(self.KERNEL, width) * 0.25)
        self.bias = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, feed)
        self.down = nn.Linear(feed, width)
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x, state):
        past = torch.cat([state, x], 1)
        count = x.shape[1]
        if self.training:
            y = fast.Taps.apply(past, self.kernel, self.bias)
        else:
            y = self.bias
            for tap in range(self.KERNEL):
                y = y + past[:, tap:tap + count] * self.kernel[tap]
        # Hardswish: forward and backward cost a quarter of GELU's here.
        y = self.down(F.hardswish(self.up(self.norm(y))))
        return x + self.scale * y, past[:, count:]


def zero_state(batch, count, width):
    """Zero state of `count` blocks."""
    return [torch.zeros(batch, CausalBlock.KERNEL - 1, width) for _ in range(count)]


class Encoder(nn.Module):
    """Spectra, pitch and loudness to a latent per hop. `feeds`: feed-forward units of each block."""

    def __init__(self, width=256, feeds=None):
        super().__init__()
        self.feeds = list(feeds or [3 * width] * 3)
        self.width, self.count = width, len(self.feeds)
        self.register_buffer("mel", mel_bands(WINDOW, MEL_BANDS), False)
        self.register_buffer("short_mel", mel_bands(SHORT_WINDOW, SHORT_BANDS), False)
        self.enter = nn.Linear(HEARD, width)
        self.blocks = nn.ModuleList(CausalBlock(width, feed) for feed in self.feeds)
        self.leave = nn.Linear(width, LATENT)
        self.skip = nn.Linear(HEARD, LATENT)

    def features(self, spectrum, short, pitch, loudness_db):
        """`[B, 2T, 1025]`, `[B, 2T, 257]`, `[B, 2T]`, `[B, T]` -> `[B, T, features]`; levels are relative to the hop's loudness."""
        level = loudness_db.clamp(LOUDNESS_FLOOR_DB, 0)
        floor = (level * (math.log(10) / 20)).repeat_interleave(2, 1)[..., None]
        quiet = torch.exp(floor) * 1e-4
        mel = (torch.log(spectrum @ self.mel + quiet) - floor + 6) / 3
        attack = (torch.log(short @ self.short_mel + quiet) - floor + 6) / 3
        harmonic, inside = harmonic_levels(spectrum, pitch, HEARD_HARMONICS, WINDOW)
        harmonic = torch.where(inside, (harmonic - floor + 5).clamp(min=-4) / 3, torch.full_like(harmonic, -1.5))
        frames = torch.cat([mel, attack, harmonic, pitch_features(pitch)], -1)
        return torch.cat([frames.reshape(frames.shape[0], -1, 2 * frames.shape[-1]), level[..., None] / 36 + 1], -1)

    def forward(self, features, state):
        x = self.enter(features)
        following = []
        for block, past in zip(self.blocks, state):
            x, past = block(x, past)
            following.append(past)
        return self.leave(x) + self.skip(features), following


class Quantiser(nn.Module):
    """Residual vector quantiser, codebooks by moving averages, dead codes restarted (SoundStream, Zeghidour et al. 2021)."""

    DECAY = 0.97

    def __init__(self, levels=LEVELS):
        super().__init__()
        self.levels = levels
        self.register_buffer("codebooks", torch.randn(levels, CODES, LATENT) * 0.1)
        self.register_buffer("uses", torch.ones(levels, CODES))
        self.register_buffer("sums", torch.zeros(levels, CODES, LATENT))
        self.register_buffer("started", torch.zeros(()))

    def begin_from(self, books):
        """Take finished codebooks `[levels, 256, 32]`; levels beyond theirs start from small entries."""
        with torch.no_grad():
            self.codebooks[:len(books)] = books
            self.codebooks[len(books):] = books[-1] * 0.7 + 1e-3 * torch.randn_like(books[-1])
            self.sums.copy_(self.codebooks)
            self.uses.fill_(1.0)
            self.started.fill_(1)

    def nearest(self, residual, level):
        """Codes `[N]` of the nearest entries to `residual [N, 32]`."""
        book = self.codebooks[level]
        return (residual @ book.T * 2 - book.square().sum(1)).argmax(-1)

    def encode(self, latent):
        """Latents `[..., 32]` -> codes `[..., levels]` and their sum."""
        residual, codes, total = latent, [], torch.zeros_like(latent)
        for level in range(self.levels):
            code = self.nearest(residual, level)
            entry = self.codebooks[level][code]
            residual, total = residual - entry, total + entry
            codes.append(code)
        return torch.stack(codes, -1), total

    def decode(self, codes):
        """Codes `[..., levels]` -> latents; fewer levels than trained are allowed."""
        return sum(self.codebooks[level][codes[..., level]] for level in range(codes.shape[-1]))

    def forward(self, latent):
        """Quantise while training: returns the straight-through latent and the commitment loss. Half of the clips use fewer levels."""
        batch, count, _ = latent.shape
        flat = latent.reshape(-1, LATENT)
        with torch.no_grad():
            residual, total, partial = flat.detach(), torch.zeros_like(flat), []
            for level in range(self.levels):
                if self.started == 0:
                    self.codebooks[level] = residual[torch.randint(len(residual), (CODES,))] + 1e-3 * torch.randn(CODES, LATENT)
                    self.sums[level], self.uses[level] = self.codebooks[level], 1.0
                code = self.nearest(residual, level)
                entry = self.codebooks[level][code]
                self._learn(level, code, residual)
                residual, total = residual - entry, total + entry
                partial.append(total)
            self.started.fill_(1)
            used = torch.where(torch.rand(batch, 1) < 0.5, self.levels, torch.randint(1, self.levels + 1, (batch, 1))).expand(batch, count).reshape(-1)
            total = torch.stack(partial)[used - 1, torch.arange(len(flat))]
        return (flat + (total - flat).detach()).view_as(latent), F.mse_loss(flat, total)

    def _learn(self, level, code, residual):
        hits = torch.zeros(CODES).index_add_(0, code, torch.ones(len(code)))
        sums = torch.zeros(CODES, LATENT).index_add_(0, code, residual)
        self.uses[level].mul_(self.DECAY).add_(hits, alpha=1 - self.DECAY)
        self.sums[level].mul_(self.DECAY).add_(sums, alpha=1 - self.DECAY)
        dead = self.uses[level] < 0.05
        if dead.any():
            fresh = residual[torch.randint(len(residual), (int(dead.sum()),))]
            self.sums[level][dead], self.uses[level][dead] = fresh * 0.2, 0.2
        self.codebooks[level] = self.sums[level] / (self.uses[level][:, None] + 1e-6)


class Decoder(nn.Module):
    """Latents, pitch and loudness to the levels of 128 harmonics and of 72 noise bands, two frames a hop, and from there to sound.

    `feeds`: feed-forward units of each block; the first takes whole hops.
    """

    def __init__(self, width=256, feeds=None):
        super().__init__()
        self.feeds = list(feeds or [3 * width] * 6)
        self.width, self.count = width, len(self.feeds)
        self.outputs = ENVELOPE_BANDS + CORRECTED + 1 + NOISE_BANDS
        self.enter = nn.Linear(PLANNED, width)
        self.blocks = nn.ModuleList(CausalBlock(width, feed) for feed in self.feeds)
        self.split = nn.Linear(width, 2 * width)
        self.pitch_in = nn.Linear(PITCH_FEATURES, width)
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, self.outputs)
        self.skip = nn.Linear(LATENT, 2 * self.outputs, bias=False)
        bins = np.arange(FRAME + 1) * RATE / (2 * FRAME)
        self.register_buffer("noise_shape", warped_bands(bins, NOISE_BANDS), False)
        with torch.no_grad():
            self.leave.weight.mul_(0.3)
            self.skip.weight.mul_(0.3)
            self.leave.bias.zero_()
            self.leave.bias[:ENVELOPE_BANDS] = -3
            self.leave.bias[-NOISE_BANDS:] = -8

    def trunk(self, latent, pitch, loudness, before_db, state):
        """`[B, T, 32]`, `[B, 2T]`, classes `[B, T]`, level of the hop before `[B, 1]` -> raw outputs `[B, 2T, outputs]`, next state."""
        features = pitch_features(pitch)
        level = class_loudness_db(loudness)
        step = level - torch.cat([before_db, level[:, :-1]], 1)
        batch, hops = loudness.shape
        x = torch.cat([latent, features.reshape(batch, hops, -1), (level / 36 + 1)[..., None], (step / 12)[..., None]], -1)
        following = []
        x, past = self.blocks[0](self.enter(x), state[0])
        following.append(past)
        x = self.split(x).reshape(batch, 2 * hops, self.width) + self.pitch_in(features)
        for block, past in zip(self.blocks[1:], state[1:]):
            x, past = block(x, past)
            following.append(past)
        return self.leave(self.norm(x)) + self.skip(latent).reshape(batch, 2 * hops, self.outputs), following

    def levels(self, raw, pitch, loudness, before_db):
        """Raw outputs to log amplitudes of harmonics `[B, 2T, 128]`, their mask times gain, and noise magnitudes `[B, 2T, 481]`."""
        level = class_loudness_db(loudness)
        halfway = (torch.cat([before_db, level[:, :-1]], 1) + level) / 2
        gain_db = torch.stack([halfway, level], -1).flatten(1)
        sounding = (loudness > 0).float().repeat_interleave(2, 1)
        gain = torch.exp(gain_db * (math.log(10) / 20)) * sounding
        envelope, corrections = raw[..., :ENVELOPE_BANDS], raw[..., ENVELOPE_BANDS:ENVELOPE_BANDS + CORRECTED]
        tone, noise = raw[..., ENVELOPE_BANDS + CORRECTED:ENVELOPE_BANDS + CORRECTED + 1], raw[..., -NOISE_BANDS:]
        place = hertz_of(pitch)[..., None] * torch.arange(1, HARMONICS + 1)
        position = (torch.log(1 + place / 500) * ((ENVELOPE_BANDS - 1) / math.log(1 + RATE / 2 / 500))).clamp(0, ENVELOPE_BANDS - 1.001)
        lower = position.floor().long()
        share = position - lower
        log_level = envelope.gather(-1, lower) * (1 - share) + envelope.gather(-1, lower + 1) * share + tone
        log_level = log_level + F.pad(corrections, (0, HARMONICS - CORRECTED))
        mask = ((pitch > 0)[..., None] & (place < RATE / 2 * 0.96)).float() * gain[..., None]
        magnitude = (torch.exp(noise.clamp(-14, 2)) * gain[..., None]) @ self.noise_shape
        return log_level, mask, magnitude

    def forward(self, latent, pitch, loudness, noise=None):
        """Sound a whole clip from zero state: audio `[B, frames]` and the harmonics' log amplitudes with their gain."""
        batch = latent.shape[0]
        before = torch.full((batch, 1), LOUDNESS_FLOOR_DB - 18)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            raw, _ = self.trunk(latent, pitch, loudness, before, zero_state(batch, self.count, self.width))
        log_level, mask, magnitude = self.levels(raw.float(), pitch, loudness, before)
        amplitude = torch.exp(log_level.clamp(-14, 3)) * mask
        audio = harmonic_sound(amplitude, pitch) + noise_sound(magnitude, noise)
        return audio, torch.log(amplitude + 1e-6)


def frame_ends(pitch, before):
    """Frequency at both ends of every control frame: a ramp from the frame before, a step at jumps and at the ends of voicing.

    `pitch [B, T]`, `before [B, 1]` in Hz -> two `[B, T]` in Hz and the last `[B, 1]`. An unvoiced frame keeps the last pitch,
    so that a tail fades in tune.
    """
    now = hertz_of(pitch)
    held = [before]
    for index in range(pitch.shape[1]):
        held.append(torch.where(now[:, index:index + 1] > 0, now[:, index:index + 1], held[-1]))
    held = torch.cat(held, 1)
    start, end = held[:, :-1], held[:, 1:]
    jump = (torch.log2((end + 1e-3) / (start + 1e-3)).abs() > 1.5 / 12)
    return torch.where(jump, end, start), end, held[:, -1:]


def turns(start, end):
    """Turns of the fundamental since the frame began, where its frequency ramps from `start` to `end`: `[...]` -> `[..., 480]`."""
    frame = torch.arange(FRAME) + 1.0
    ramped = frame * (frame + 1) / (2 * FRAME)
    return (start[..., None] * (frame - ramped) + end[..., None] * ramped) / RATE


def bank(phase, start, end):
    """Sum of harmonics whose amplitudes ramp from `start` to `end` over a frame.

    `phase [N, 480]` in turns of the fundamental, amplitudes `[N, 128]` -> `[N, 480]`. Harmonic 16 b + a is made from sines of
    a and of 16 b by the addition theorem: 24 sines a frame instead of 128, the rest is a small matrix product.
    """
    fine = 2 * math.pi * phase[..., None] * torch.arange(1, 17)
    coarse = phase[..., None] * (torch.arange(HARMONICS // 16) * 16.0)
    coarse = 2 * math.pi * (coarse - torch.floor(coarse))
    table = torch.stack([start, end], -1).reshape(-1, HARMONICS // 16, 16, 2).permute(0, 2, 1, 3).reshape(-1, 16, HARMONICS // 8)
    with_sine = (torch.cos(fine) @ table).reshape(*phase.shape, HARMONICS // 16, 2)
    with_cosine = (torch.sin(fine) @ table).reshape(*phase.shape, HARMONICS // 16, 2)
    both = (torch.sin(coarse)[..., None] * with_sine + torch.cos(coarse)[..., None] * with_cosine).sum(-2)
    ramp = (torch.arange(FRAME) + 1.0) / FRAME
    return both[..., 0] * (1 - ramp) + both[..., 1] * ramp


def harmonic_sound(amplitude, pitch):
    """Sound of a harmonic bank from silence: `[B, T, 128]`, `[B, T]` -> `[B, T * 480]`."""
    batch, count, _ = amplitude.shape
    with torch.no_grad():
        start, end, _ = frame_ends(pitch, torch.zeros(batch, 1))
        moved = turns(start, end)
        begin = torch.cumsum(moved[..., -1].double(), 1) - moved[..., -1]
        phase = ((begin % 1.0).float()[..., None] + moved).reshape(-1, FRAME)
    before = torch.cat([torch.zeros_like(amplitude[:, :1]), amplitude[:, :-1]], 1)
    sounded = fast.Bank.apply if amplitude.device.type == "cpu" else bank
    return sounded(phase, before.reshape(-1, HARMONICS), amplitude.reshape(-1, HARMONICS)).reshape(batch, -1)


def noise_sound(magnitude, noise=None):
    """Filtered noise, overlap-add of sine windows of two control frames: `[B, T, 481]` -> `[B, T * 480]`.

    `noise [B, T, 960]` of unit deviation may be supplied. No look-ahead: a frame holds its own first half and the last one's second.
    """
    if noise is None:
        noise = torch.randn(*magnitude.shape[:2], 2 * FRAME)
    window = torch.sin((torch.arange(2 * FRAME) + 0.5) * (math.pi / (2 * FRAME)))
    pieces = torch.fft.irfft(torch.fft.rfft(noise) * magnitude, n=2 * FRAME) * window
    first, second = pieces[..., :FRAME], pieces[..., FRAME:]
    return (first + torch.cat([torch.zeros_like(second[:, :1]), second[:, :-1]], 1)).flatten(1)


class Codec(nn.Module):
    """Encoder, quantiser and decoder together; `encoder` and `decoder` are their `feeds`."""

    def __init__(self, width=256, levels=LEVELS, encoder=None, decoder=None):
        super().__init__()
        self.encoder, self.quantiser, self.decoder = Encoder(width, encoder), Quantiser(levels), Decoder(width, decoder)

    @property
    def shape(self):
        """What a checkpoint must know to make this network again."""
        return {"width": self.encoder.width, "levels": self.quantiser.levels, "encoder": self.encoder.feeds, "decoder": self.decoder.feeds}

    def latent(self, audio, pitch):
        """Latents `[B, T, 32]` and loudness classes `[B, T]` of a whole clip from zero state."""
        loudness_db = hop_loudness_db(audio)
        features = self.encoder.features(*spectra(audio), pitch, loudness_db)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            latent, _ = self.encoder(features, zero_state(len(audio), self.encoder.count, self.encoder.width))
        return latent.float(), loudness_class(loudness_db)

    @torch.no_grad()
    def resynthesise(self, audio, pitch, levels=None, noise=None):
        """Encode and decode a clip `[B, frames]` with `levels` levels of codes."""
        latent, loudness = self.latent(audio, pitch)
        codes, _ = self.quantiser.encode(latent)
        return self.decoder(self.quantiser.decode(codes[..., :levels or self.quantiser.levels]), pitch, loudness, noise)[0]
