"""Export encoder and decoder as INT8 step graphs and compare them with the networks.

    python -m antiphon.train.export_codec --weights .work/codec.pt --render .work/render --out .work/export --levels 4
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from ..model.codec import Decoder, Encoder
from ..model.timbre import CODEBOOKS, HEARD, LATENT, PITCH_FEATURES, PLANNED
from . import codec as trainer
from . import network
from .network import FRAME, HOP, RATE
from .shards import Shards
from .sketch import array, behind_norm, write_both, zeros

TAPS = network.CausalBlock.KERNEL


class Blocks:
    """Blocks in a row that take `frames` frames a step, with one State for all: their last four, `[4, blocks x width]`.

    What the past adds is computed for all blocks at once before the first, so that a block has one product or two left.
    """

    def __init__(self, sketch, blocks, width, frames, state):
        self.sketch, self.blocks, self.width, self.frames, self.state = sketch, blocks, width, frames, state
        kernels = np.concatenate([array(block.kernel) for block in blocks], 1)
        weights = np.zeros((frames, TAPS - 1, kernels.shape[1]), np.float32)
        for frame in range(frames):
            weights[frame, frame:] = kernels[:TAPS - 1 - frame]
        past = sketch.node("ReduceSum", sketch.node("Mul", state, weights), np.array([1]), keepdims=0)
        past = sketch.node("Add", past, np.concatenate([array(block.bias) for block in blocks]))
        self.past = sketch.split(past, [width] * len(blocks)) if len(blocks) > 1 else [past]

    def __call__(self, x):
        """All blocks on `x [frames, width]`, and the State they leave."""
        sketch, entered = self.sketch, []
        for block, past in zip(self.blocks, self.past, strict=True):
            entered.append(x)
            kernel = array(block.kernel)
            if self.frames == 1:
                now = sketch.node("Mul", x, kernel[-1:])
            else:
                weights = np.zeros((self.frames, self.frames, self.width), np.float32)
                for frame in range(self.frames):
                    weights[frame, :frame + 1] = kernel[TAPS - 1 - frame:]
                now = sketch.node("ReduceSum", sketch.node("Mul", x, weights), np.array([1]), keepdims=0)
            y = sketch.normalised(sketch.node("Add", now, past), self.width)
            y = sketch.hardswish(sketch.linear(y, *behind_norm(block.norm, block.up)))
            scale = array(block.scale)
            x = sketch.node("Add", x, sketch.linear(y, array(block.down.weight).T * scale, array(block.down.bias) * scale))
        new = sketch.node("Concat", *entered, axis=1) if len(entered) > 1 else entered[0]
        ends = np.array([self.frames]), np.array([TAPS - 1]), np.array([0])
        sketch.node("Concat", sketch.node("Slice", self.state, *ends), new, axis=0, to=f"{self.state}_next")
        return x


def export_encoder(codec, path, **few):
    """The encoder of one hop: features to a latent. What comes before and after it is in C (model.codec)."""
    encoder = codec.encoder

    def draw(sketch):
        blocks = Blocks(sketch, encoder.blocks, encoder.width, 1, "s_past")
        x = blocks(sketch.linear("features", array(encoder.enter.weight).T, array(encoder.enter.bias)))
        both = sketch.node("Concat", x, "features", axis=1)
        weight = np.concatenate([array(encoder.leave.weight), array(encoder.skip.weight)], 1).T
        sketch.linear(both, weight, array(encoder.leave.bias) + array(encoder.skip.bias), exact=True, to="latent")

    state = zeros(TAPS - 1, encoder.count * encoder.width)
    outputs = {"latent": zeros(1, LATENT), "s_past_next": state}
    return write_both(draw, path, {"features": zeros(1, HEARD), "s_past": state}, outputs, **few)


def export_decoder(codec, path, **few):
    """The decoder of one hop: the features of ap_timbre_planned to the raw outputs that ap_voice sounds."""
    decoder, width = codec.decoder, codec.decoder.width

    def draw(sketch):
        slow = Blocks(sketch, decoder.blocks[:1], width, 1, "s_slow")
        fast = Blocks(sketch, decoder.blocks[1:], width, 2, "s_fast")
        x = slow(sketch.linear("hop", array(decoder.enter.weight).T, array(decoder.enter.bias)))
        # The pitch of each control frame joins where the hop is cut in two.
        pitch_in, none = array(decoder.pitch_in.weight).T, zeros(PITCH_FEATURES, width)
        weight = np.concatenate([array(decoder.split.weight).T, np.block([[pitch_in, none], [none, pitch_in]])])
        bias = array(decoder.split.bias) + np.tile(array(decoder.pitch_in.bias), 2)
        x = sketch.linear(sketch.node("Concat", x, "pitches", axis=1), weight, bias)
        x = fast(sketch.node("Reshape", x, np.array([2, width])))
        weight, bias = behind_norm(decoder.norm, decoder.leave)
        skip = array(decoder.skip.weight).T.reshape(LATENT, 2, -1)
        weight = np.concatenate([weight, skip[:, 0], skip[:, 1]])
        sketch.linear(sketch.node("Concat", sketch.normalised(x, width), "timbre", axis=1), weight, bias, exact=True, to="raw")

    states = {"s_slow": zeros(TAPS - 1, width), "s_fast": zeros(TAPS - 1, (decoder.count - 1) * width)}
    inputs = {"hop": zeros(1, PLANNED), "pitches": zeros(1, 2 * PITCH_FEATURES), "timbre": zeros(2, 2 * LATENT)}
    outputs = {"raw": zeros(2, decoder.outputs), **{f"{name}_next": state for name, state in states.items()}}
    return write_both(draw, path, {**inputs, **states}, outputs, **few)


def export_codebooks(codec, folder, levels):
    """Write the codebooks that are played, the coarsest `levels` of them, beside the graphs."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / CODEBOOKS, array(codec.quantiser.codebooks[:levels]))


def stream(encoder_path, decoder_path, audio, pitch, noise=None):
    """Run both graphs hop by hop over a clip; returns audio `(frames,)`, codes `[T, levels]` and loudness classes `[T]`.

    `noise [2T, 960]` as in the network.
    """
    encoder, decoder = Encoder(encoder_path), Decoder(decoder_path)
    spectra = None if noise is None else np.fft.rfft(noise).astype(np.complex64)
    made, codes, classes = [], [], []
    for hop in range(len(audio) // HOP):
        two = slice(2 * hop, 2 * hop + 2)
        code, loudness = encoder.step(audio[hop * HOP:(hop + 1) * HOP], pitch[two])
        codes.append(code.copy())
        classes.append(loudness)
        made.append(decoder.step(encoder.coded, loudness, pitch[two], None if spectra is None else spectra[two]).copy())
    return np.concatenate(made), np.array(codes), np.array(classes)


def parity(codec, encoder_path, decoder_path, rows, seconds=5):
    """Network against graphs over clips: share of equal codes, mel distance to the original of both, and level of the decoder's
    difference in dB."""
    codec.eval()
    figures = []
    for row in rows:
        audio = row["audio"][:seconds * RATE].astype(np.float32) / 32768
        pitch = row["f0"][:seconds * 100]
        noise = np.random.default_rng(0).standard_normal((len(pitch), 2 * FRAME)).astype(np.float32)
        made, codes, classes = stream(encoder_path, decoder_path, audio, pitch, noise)
        levels = codes.shape[-1]
        with torch.no_grad():
            one, two = torch.tensor(audio)[None], torch.tensor(pitch)[None]
            latent, loudness = codec.latent(one, two)
            wanted_codes = codec.quantiser.encode(latent)[0][..., :levels]
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
    parser.add_argument("--levels", type=int, default=network.LEVELS, help="levels of codes that are played")
    options = parser.parse_args()
    torch.set_num_threads(1)
    saved, codec = torch.load(options.weights), trainer.load(options.weights)
    export_codebooks(codec, options.out, options.levels)
    full_encoder = export_encoder(codec, options.out / "encoder.onnx")
    full_decoder = export_decoder(codec, options.out / "decoder.onnx")
    rows = Shards(options.render, "held", limit=1).rows[:6]
    figures = {"steps": saved["step"], "minutes": saved["minutes"], "levels": options.levels,
               "bytes": {n: (options.out / n).stat().st_size for n in ("encoder.onnx", "decoder.onnx")},
               "fp32_graphs": parity(codec, full_encoder, full_decoder, rows), "int8_graphs": parity(codec, options.out / "encoder.onnx", options.out / "decoder.onnx", rows)}
    encoder, decoder = Encoder(options.out / "encoder.onnx"), Decoder(options.out / "decoder.onnx")
    hop, two = rows[0]["audio"][48000:48000 + HOP].astype(np.float32) / 32768, rows[0]["f0"][100:102]
    _, loudness = encoder.step(hop, two)
    figures["encoder_step"] = time_at_cadence(lambda: encoder.step(hop, two))
    figures["decoder_step"] = time_at_cadence(lambda: decoder.step(encoder.coded, loudness, two))
    (options.out / "codec.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
