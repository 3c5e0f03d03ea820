"""What each network learns of a user's material, what it is watched by meanwhile, and how its step graphs are judged at the end.

The decoder learns the user's sound from the codes that the frozen encoder hears in it; the acoustic model, how those codes,
loudness and bends follow one another in a note; the note model, which note comes next. All begin with the bundle's weights.
Lessons are made on the CPU; `losses` and `watched` want `torch.device(device)` around them, for what they make on the way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..errors import UsageError
from ..model import match, score
from ..model.bundle import Bundle
from ..model.timbre import CODEBOOKS
from ..model.tokens import HOP
from . import acoustic, codec, export_acoustic, export_codec, export_notes, melodies, notes, recover, rehearsal, sides
from .melodies import Lines
from .shards import Shards

LEAST_HELD_NOTES = 24
"""Of fewer held-out notes nobody can say whether a note model got better."""
REHEARSED = 1.0
"""Weight of what the decoder forgets of how it sounded others, beside how far it is from the user's sound."""
_ROWS_WATCHED, _WATCHED_S, _ROWS_JUDGED, _JUDGED_S = 4, 5, 8, 10
_CLIPS_JUDGED, _HOPS_JUDGED = 16, 240
_NOTE_ROWS, _NOTES = 16, 128
_QUARTER_HOPS = 25  # 120 quarter notes to the minute


@dataclass
class Lesson:
    """A network and what it learns. `losses(step)` are tensors by name, to be added up; `watched()` is better the lower it is.

    `judge(folder)` writes the step graphs there and says of held-out material, by the graphs, what `before` was and what is.
    """

    net: nn.Module
    rate: float
    losses: Callable[[int], dict[str, torch.Tensor]]
    watched: Callable[[], float]
    judge: Callable[[Path], dict]


def _clips(work: Path, side: str, seed=0) -> Shards:
    clips = Shards(work / "clips", side, seed)
    if not clips.rows:
        raise UsageError(f"{work}: no clips of side {side!r} in it; begin again with --again")
    return clips


def decoder(bundle: Bundle, work: Path, seed: int, device: str) -> Lesson:
    """The decoder alone, from the codes of the bundle's own encoder and codebooks, which stay."""
    whole = _played(recover.codec(bundle), bundle).to(device)
    was, books = copy.deepcopy(whole.decoder).eval().requires_grad_(False), np.load(bundle.folder / CODEBOOKS)
    train, watch, held = (_clips(work, side, [seed, 1]) for side in sides.SIDES)

    def losses(step: int) -> dict[str, torch.Tensor]:
        train.rng = choose = np.random.default_rng([seed, step])
        audio, pitch = (torch.from_numpy(x).to(device) for x in train.batch(codec.CLIPS, codec.HOPS))
        latent = codec.coded(whole, codec.in_a_room(audio), pitch, choose)
        spectral, harmonic = codec.decoder_losses(whole.decoder, latent, pitch, audio, choose)
        lost = rehearsal.forgotten(whole.decoder, was, rehearsal.anybody(books, choose, device))
        return {"spectral": spectral, "harmonic": 0.25 * harmonic, "forgotten": REHEARSED * lost}

    def watched() -> float:
        whole.eval()
        distances = []
        for row in watch.rows[:_ROWS_WATCHED]:
            sound, pitch = row["audio"][: _WATCHED_S * codec.RATE].astype(np.float32) / 32768, row["f0"][: _WATCHED_S * 100]
            told = sound, pitch, np.random.default_rng(0).standard_normal((len(pitch), HOP)).astype(np.float32)
            audio, pitch, noise = (torch.from_numpy(x)[None].to(device) for x in told)
            distances.append(codec.mel_distance_db(whole.resynthesise(audio, pitch, noise=noise), audio))
        return float(np.mean(distances))

    def judge(folder: Path) -> dict:
        encoder, rows = bundle.path("encoder"), held.rows[:_ROWS_JUDGED]
        first = _played(recover.codec(bundle), bundle)
        whole.to("cpu")
        export_codec.export_decoder(whole, folder / "decoder.onnx")
        # Beside the encoder and its codebooks only for the comparison: what it hears does not change.
        before, after = (export_codec.parity(net, encoder, path, rows, _JUDGED_S)
                         for net, path in ((first, bundle.path("decoder")), (whole, folder / "decoder.onnx")))  # fmt: skip
        return {"what": "mel distance of held-out sound, dB", "before": before["graph_mel_db"], "after": after["graph_mel_db"],
                "held_s": sum(len(row["f0"]) for row in rows) / 100, "int8_graph": after}  # fmt: skip

    return Lesson(whole.decoder, 2e-4, losses, watched, judge)


def _played(whole, bundle: Bundle):
    """A codec that codes with no more levels than the bundle has."""
    whole.quantiser.levels = len(np.load(bundle.folder / CODEBOOKS))
    return whole


def acoustic_model(bundle: Bundle, work: Path, seed: int, device: str) -> Lesson:
    """The acoustic model, on the user's performances as they are and through random microphones."""
    net, whole = recover.acoustic(bundle), recover.codec(bundle)
    whole.quantiser.levels = net.levels
    train, watch, held = (_clips(work, side).rows for side in sides.SIDES)
    items = acoustic.performances(whole, train) + acoustic.performances(whole, train, np.random.default_rng(seed))
    watch, held = (acoustic.performances(whole, rows) for rows in (watch, held))
    net.to(device)

    def batch(rng, performed, clips: int, hops: int, corrupt: bool):
        return [x.to(device) for x in acoustic.batch(rng, performed, clips, hops, corrupt=corrupt)]

    seen = batch(np.random.default_rng(3), watch, _CLIPS_JUDGED, _HOPS_JUDGED, False)

    def losses(step: int) -> dict[str, torch.Tensor]:
        nats = acoustic.nats(net, batch(np.random.default_rng([seed, step]), items, acoustic.CLIPS, acoustic.HOPS, True))
        return {"loudness": nats[0], "bend": nats[1], "timbre": nats[2:].sum()}

    @torch.no_grad()
    def watched() -> float:
        return float(acoustic.nats(net.eval(), seen).sum())

    def judge(folder: Path) -> dict:
        clips = min(_CLIPS_JUDGED, 4 * len(held))
        inputs = acoustic.batch(np.random.default_rng(3), held, clips, _HOPS_JUDGED, corrupt=False)
        before = _acoustic_parity(recover.acoustic(bundle), folder / "before", inputs)
        after = _acoustic_parity(net, folder, inputs)
        return {"what": "nats a hop of held-out performances", "before": before["graph_nats"], "after": after["graph_nats"],
                "held_s": sum(len(item["tokens"]) for item in held) * score.HOP_S, "int8_graph": after}  # fmt: skip

    return Lesson(net, 3e-4, losses, watched, judge)


def _acoustic_parity(net, folder: Path, inputs) -> dict:
    export_acoustic.export_memory(net, folder / "memory.onnx")
    export_acoustic.export_tokens(net, folder / "tokens.onnx")
    export_acoustic.export_tokens(net, folder / "tokens_logits.onnx", logits=True)
    return export_acoustic.parity(net, folder / "memory.onnx", folder / "tokens_logits.onnx", inputs, len(inputs[0]))


def note_model(bundle: Bundle, work: Path, seed: int, device: str) -> Lesson:
    """The note model, on the user's lines as `melodies` performs them: at any pace, some moved to other scales, some made up."""
    net = recover.notes(bundle).to(device)
    train, watch, held = (sides.read_lines(work, side) for side in sides.SIDES)
    if not len(train) or not len(watch) or len(held.pitch) < LEAST_HELD_NOTES:
        raise UsageError(f"{work}: {len(held.pitch)} held-out notes, {LEAST_HELD_NOTES} are needed to judge a note model")
    seen = _on(device, notes.as_tensors(written(watch)))

    def losses(step: int) -> dict[str, torch.Tensor]:
        batch = melodies.performances(train, _NOTE_ROWS, _NOTES, seed=1_000_003 * seed + step)
        with torch.autocast("cuda" if device == "cuda" else "cpu", torch.bfloat16):
            nats = notes.losses(net, _on(device, notes.as_tensors(batch)))
        return dict(zip(("onset", "articulation", "pitch"), nats, strict=True))

    @torch.no_grad()
    def watched() -> float:
        return float(notes.losses(net.eval(), seen).sum())

    def judge(folder: Path) -> dict:
        path, batch = folder / "notes.onnx", written(held)
        export_notes.export(net, path)
        before, after = (_note_nats(place, batch) for place in (bundle.path("notes"), path))
        return {"what": "nats a note of held-out lines", "before": before, "after": after, "held_notes": int(batch["weight"].sum()),
                "int8_graph": export_notes.parity(net, path, batch, len(batch["pitch"]))}  # fmt: skip

    return Lesson(net, 1e-4, losses, watched, judge)


def _on(device: str, batch: dict) -> dict:
    return {name: value.to(device) for name, value in batch.items()}


def _note_nats(path: Path, batch: dict[str, np.ndarray]) -> float:
    """Nats a note of a step graph, all three heads, without what only fills a row."""
    logits = torch.from_numpy(export_notes.step_logits(path, batch, len(batch["pitch"])))
    weight = torch.from_numpy(batch["weight"])
    targets, nats = (torch.from_numpy(batch[name]) for name in ("ioi", "articulation", "next_pitch")), 0.0
    for part, target in zip(logits.split([score.IOIS, score.ARTICULATIONS, score.NOTES], -1), targets, strict=True):
        nats += float((F.cross_entropy(part.transpose(1, 2), target, reduction="none") * weight).sum() / weight.sum())
    return nats


def written(lines: Lines) -> dict[str, np.ndarray]:
    """Every line once, as it is written, at 120 quarter notes to the minute: as `melodies.performances` returns it.

    ``weight`` is 0 where a row is longer than its line.
    """
    rows = [_row(lines, a, min(a + _NOTES + 1, last)) for first, last in zip(lines.first, lines.first[1:], strict=False)
            for a in range(first, last - 2, _NOTES)]  # fmt: skip
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _row(lines: Lines, first: int, last: int) -> dict[str, np.ndarray]:
    count = last - first - 1
    pitch, wait, sound = (getattr(lines, name)[first:last] for name in ("pitch", "wait", "sound"))
    onset = np.round(np.concatenate([[0], np.cumsum(wait[:-1])]) * _QUARTER_HOPS).astype(int)
    hops = np.clip(np.diff(onset), 2, score.LONGEST_IOI - 1)
    ioi = score.ioi_bin(hops)
    anchors = [np.sort(pitch[: n + 1])[(n + 1) // 2] for n in range(count)]
    found = np.array([match.longest_suffix(pitch[: n + 1], ioi[: n + 1]) for n in range(count)]).reshape(count, 3)
    row = {
        "pitch": pitch[:-1] - score.NOTE_LO, "ioi": ioi, "hops": hops, "next_pitch": pitch[1:] - score.NOTE_LO,
        "articulation": score.articulation_bin(sound[:-1] * _QUARTER_HOPS, hops),
        "register": score.interval_index(pitch[:-1] - anchors),
        "match_interval": found[:, 0], "match_ioi": found[:, 1], "match_length": found[:, 2],
    }  # fmt: skip
    short = _NOTES - count
    padded = {name: np.pad(value.astype(np.int64), (0, short), mode="edge") for name, value in row.items()}
    return {**padded, "weight": (np.arange(_NOTES) < count).astype(np.float32)}


LESSONS = {"decoder": decoder, "acoustic": acoustic_model, "notes": note_model}
