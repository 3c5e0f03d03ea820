"""Export encoder and decoder as INT8 step graphs and compare them with the networks.

    python -m antiphon.train.export_codec --weights .work/codec.pt --render .work/render --out .work/export
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..model.codec import Decoder, Encoder
from . import codec as trainer
from . import network
from .network import FRAME, HOP, LOUDNESS_FLOOR_DB, RATE, SHORT_WINDOW, WINDOW
from .onnx_step import export_step
from .shards import Shards


class EncoderStep(nn.Module):
    """One hop of the encoder: magnitudes, pitch and level to codes, loudness class and the quantised latent."""

    def __init__(self, codec):
        super().__init__()
        self.encoder, self.quantiser = codec.encoder, codec.quantiser

    def forward(self, spectrum, short, pitch, loudness_db, *states):
        features = self.encoder.features(spectrum[None], short[None], pitch[None], loudness_db[None])
        latent, following = self.encoder(features, list(states))
        codes, total = self.quantiser.encode(latent[0])
        return codes[0], network.loudness_class(loudness_db), total[0], *following


class DecoderStep(nn.Module):
    """One hop of the decoder: codes, loudness class and two pitches to harmonic amplitudes and noise magnitudes, two of each."""

    def __init__(self, codec):
        super().__init__()
        self.decoder, self.quantiser = codec.decoder, codec.quantiser

    def forward(self, codes, loudness, pitch, before, *states):
        latent = self.quantiser.decode(codes[None, None])
        pitch, loudness = pitch[None], loudness[None]
        before_db = network.class_loudness_db(before)[None]
        raw, following = self.decoder.trunk(latent, pitch, loudness, before_db, list(states))
        log_level, mask, magnitude = self.decoder.levels(raw, pitch, loudness, before_db)
        levels = torch.exp(log_level.clamp(-14, 3)) * mask
        return levels[0], magnitude[0], loudness[0], *following


def export_encoder(codec, path):
    encoder = codec.encoder
    inputs = {"spectrum": torch.rand(2, WINDOW // 2 + 1), "short": torch.rand(2, SHORT_WINDOW // 2 + 1), "pitch": torch.full((2,), 60.0), "loudness_db": torch.full((1,), -20.0)}
    states = {f"s_block{i}": x for i, x in enumerate(network.zero_state(1, encoder.count, encoder.width))}
    return export_step(EncoderStep(codec), {**inputs, **states}, ["codes", "loudness", "latent", *(f"{s}_next" for s in states)], path,
                       full_precision=("mel", "codebook", "book"))


def export_decoder(codec, path):
    decoder = codec.decoder
    inputs = {"codes": torch.zeros(codec.quantiser.levels, dtype=torch.int64), "loudness": torch.ones(1, dtype=torch.int64), "pitch": torch.full((2,), 60.0)}
    states = {"s_before": torch.zeros(1, dtype=torch.int64)}
    states |= {f"s_block{i}": x for i, x in enumerate(network.zero_state(1, decoder.count, decoder.width))}
    return export_step(DecoderStep(codec), {**inputs, **states}, ["levels", "noise", *(f"{s}_next" for s in states)], path,
                       full_precision=("noise_shape",))


def stream(encoder_path, decoder_path, audio, pitch, noise=None):
    """Run both graphs hop by hop over a clip; returns audio `(frames,)`, codes `[T, levels]` and loudness classes `[T]`."""
    encoder, decoder = Encoder(encoder_path), Decoder(decoder_path)
    made, codes, classes = [], [], []
    for hop in range(len(audio) // HOP):
        two = pitch[2 * hop:2 * hop + 2]
        code, loudness = encoder.step(audio[hop * HOP:(hop + 1) * HOP], two)
        codes.append(code.copy())
        classes.append(loudness)
        made.append(decoder.step(code, loudness, two, None if noise is None else noise[2 * hop:2 * hop + 2]).copy())
    return np.concatenate(made), np.array(codes), np.array(classes)


def parity(codec, encoder_path, decoder_path, rows, seconds=5):
    """Network against graphs over clips: share of equal codes, mel distance to the original of both, and level of the decoder's difference in dB."""
    codec.eval()
    figures = []
    for row in rows:
        audio = row["audio"][:seconds * RATE].astype(np.float32) / 32768
        pitch = row["f0"][:seconds * 100]
        noise = np.random.default_rng(0).standard_normal((len(pitch), 2 * FRAME)).astype(np.float32)
        made, codes, classes = stream(encoder_path, decoder_path, audio, pitch, noise)
        with torch.no_grad():
            one, two = torch.tensor(audio)[None], torch.tensor(pitch)[None]
            latent, loudness = codec.latent(one, two)
            wanted_codes, _ = codec.quantiser.encode(latent)
            # The decoder alone is compared from the graph's own codes, or one differing code would hide it.
            same, _ = codec.decoder(codec.quantiser.decode(torch.tensor(codes)[None]), two, torch.tensor(classes)[None], torch.tensor(noise)[None])
            whole, _ = codec.decoder(codec.quantiser.decode(wanted_codes), two, loudness, torch.tensor(noise)[None])
        difference = 10 * np.log10(np.mean((same[0].numpy() - made) ** 2) / (np.mean(made ** 2) + 1e-12) + 1e-12)
        figures.append(((codes == wanted_codes[0].numpy()).mean(), (codes[:, 0] == wanted_codes[0, :, 0].numpy()).mean(), trainer.mel_distance_db(whole, one),
                        trainer.mel_distance_db(torch.tensor(made)[None], one), difference))
    names = ("codes_equal", "first_code_equal", "torch_mel_db", "graph_mel_db", "decoder_difference_db")
    return dict(zip(names, map(float, np.mean(figures, 0))))


def time_at_cadence(step, count=250, period=0.02):
    """Milliseconds of `step()` called every `period` seconds, as p50 and p99: caches are as cold as on stage."""
    spent = []
    for _ in range(count):
        began = time.perf_counter()
        step()
        spent.append(time.perf_counter() - began)
        time.sleep(max(0, period - spent[-1]))
    return {"p50_ms": float(np.median(spent) * 1e3), "p99_ms": float(np.quantile(spent, 0.99) * 1e3)}


def main():
    parser = argparse.ArgumentParser(description="Export encoder and decoder.")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--render", required=True)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    saved = torch.load(options.weights)
    codec = network.Codec()
    codec.load_state_dict(saved["codec"])
    full_encoder = export_encoder(codec.eval(), options.out / "encoder.onnx")
    full_decoder = export_decoder(codec, options.out / "decoder.onnx")
    rows = Shards(options.render, "held", limit=1).rows[:6]
    figures = {"steps": saved["step"], "minutes": saved["minutes"],
               "bytes": {n: (options.out / n).stat().st_size for n in ("encoder.onnx", "decoder.onnx")},
               "fp32_graphs": parity(codec, full_encoder, full_decoder, rows), "int8_graphs": parity(codec, options.out / "encoder.onnx", options.out / "decoder.onnx", rows)}
    encoder, decoder = Encoder(options.out / "encoder.onnx"), Decoder(options.out / "decoder.onnx")
    hop, two = rows[0]["audio"][48000:48000 + HOP].astype(np.float32) / 32768, rows[0]["f0"][100:102]
    code, loudness = encoder.step(hop, two)
    figures["encoder_step"] = time_at_cadence(lambda: encoder.step(hop, two))
    figures["decoder_step"] = time_at_cadence(lambda: decoder.step(code, loudness, two))
    (options.out / "codec.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
