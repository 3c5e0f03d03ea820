"""A file in, the same file carried on out: the engine on freewheel, deterministic to the byte.

Where the prompt ends is where the answer begins, to the frame: silence is put before the prompt so that its last frame,
the resampler's delay counted in, is the last frame of a hop. The step of that hop is triggered; the first frame of the
voice it makes, the outgoing resampler's delay taken off, is the first frame after the prompt.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .audiofile import Recording, Writer, read
from .engine import Engine, EngineConfig
from .errors import UsageError
from .events import Event
from .kernels import Resampler, tail
from .latency import HOP, MODEL_RATE
from .params import REGISTRY
from .provenance import credentials as signing
from .provenance.mark import Payload
from .provenance.person import Person
from .takes import of_bundle, remember
from .units import OFF_DB

_BLOCK = 128
_FADE_S = 0.01
_PIECE_S = 0.25
OWN_ROWS = ("mode", "trigger", "panic", "yield", "dry")
"""Rows that the renderer sets itself: what is asked for them has no effect."""


@dataclass(frozen=True)
class RenderResult:
    """What was rendered. Counts are of the whole run; `output` is None where nothing was written. `payload` is what the answer is
    marked with, `signed` whether everything written has content credentials; `attribution` and `nearest` are as in Status."""

    input: str
    output: str | None
    samplerate: int
    channels: int
    prompt_frames: int
    answer_frames: int
    bundle: str
    seed: int
    hops: int
    late: int
    underflows: int
    limited_frames: int
    peak_db: float
    rms_db: float
    step_ns_p50: int
    step_ns_p99: int
    step_ns_max: int
    wall_s: float
    real_time_factor: float
    payload: str = ""
    attribution: tuple[tuple[str, float], ...] = ()
    nearest: tuple[str, int] = ("", 0)
    signed: bool = False
    notes: tuple[str, ...] = ()
    stems: dict[str, str] = field(default_factory=dict)


def render(
    input_path: str | Path,
    output_path: str | Path | None,
    seconds: float = 15.0,
    seed: int = 1,
    bundle: str = "hum",
    values: dict | None = None,
    answer_only: bool = False,
    stems: str | Path | None = None,
    progress: Callable[[float, float], None] | None = None,
    performer: Person = Person(),
    credentials: bool = True,
) -> RenderResult:
    """Carry a recording on for `seconds` and write it.

    OUT has IN's samplerate and channel count, 24 bits, the prompt's frames bit for bit, then the answer. `values` are
    rows of the parameter table; mode, yield, trigger, panic and dry are the renderer's own. `stems` is a folder for
    prompt.wav and voice.wav, each as long as OUT. With `credentials` what was written is signed, where that can be done: then the
    same sound comes in other bytes each time, since a signature has a time. `progress` is called with (seconds done, seconds in all).
    Raises UsageError for input that cannot be used and BundleError for a model that cannot be loaded.
    """
    began = time.perf_counter()
    if not 0.02 <= seconds <= 600.0:
        raise UsageError(f"--seconds {seconds:g}: expected 0.02 .. 600")
    recording, values = read(input_path), values or {}
    payload = payload_of(recording.sound, recording.samplerate, seconds, seed, bundle, values)
    about = {**of_bundle(bundle), "seed": seed, "payload": payload.hex, "performer": performer.name, "consent": performer.consent}
    writers = _open_writers(recording, output_path, stems, about, answer_only)
    try:
        answer, status, run_s = carry_on(
            recording.sound, recording.samplerate, seconds, seed, bundle, values, progress, performer
        )
        if status.answers == 0 and bundle != "through":
            about = "".join(f" ({note.removeprefix(f'{recording.path}: ')})" for note in recording.notes)
            raise UsageError(
                f"{input_path}: nothing was heard in it{about}; "
                "give a recording with a voice or an instrument above the noise"
            )
        _write(writers, recording, answer, answer_only)
    except BaseException:
        for writer in writers.values():
            writer.discard()
        raise
    for writer in writers.values():
        writer.close()
    written = {name: str(writer.path) for name, writer in writers.items() if name != "out"}
    if output_path:
        remember(payload, str(Path(output_path).resolve()), answers=[{"shares": status.attribution, "nearest": status.nearest}])
    unsigned = _sign(output_path, about, recording, answer_only, written) if credentials and writers else ()
    played_s = (len(recording.pcm) + len(answer)) / recording.samplerate
    return RenderResult(
        input=str(input_path),
        output=str(output_path) if output_path else None,
        samplerate=recording.samplerate,
        channels=recording.channels,
        prompt_frames=len(recording.pcm),
        answer_frames=len(answer),
        bundle=bundle,
        seed=seed,
        hops=status.hops,
        late=status.late,
        underflows=status.underflows,
        limited_frames=status.limited_frames,
        peak_db=_db(float(np.abs(answer).max(initial=0.0))),
        rms_db=_db(float(np.sqrt(np.mean(np.square(answer, dtype=np.float64))))),
        step_ns_p50=status.step_ns_p50,
        step_ns_p99=status.step_ns_p99,
        step_ns_max=status.step_ns_max,
        wall_s=round(time.perf_counter() - began, 3),
        real_time_factor=round(played_s / max(run_s, 1e-9), 2),
        payload=payload.hex,
        attribution=status.attribution,
        nearest=status.nearest,
        signed=credentials and bool(writers) and not unsigned,
        notes=recording.notes + _silent(values) + unsigned + _apart(status.voice_match),
        stems=written,
    )


def carry_on(
    prompt: np.ndarray,
    samplerate: int,
    seconds: float,
    seed: int,
    bundle: str,
    values: dict,
    progress: Callable[[float, float], None] | None = None,
    performer: Person = Person(),
):
    """Answer (frames, channels) float32 sound with `seconds` of voice of the same shape; nothing is read or written.

    Returns (answer, status, seconds that the run took without the loading of the model).
    """
    channels, frames = prompt.shape[1], round(seconds * samplerate)
    silence, hops = alignment(len(prompt), samplerate)
    config = EngineConfig(
        driver="freewheel",
        payload=payload_of(prompt, samplerate, seconds, seed, bundle, values),
        samplerate=samplerate,
        blocksize=_BLOCK,
        in_channels=channels,
        out_channels=channels,
        bundle=bundle,
        seed=seed,
        lead_s=0.0,
        person={"performer": performer.name, "consent": performer.consent},
        values={
            "answer_s": min(max(seconds, 0.5), 600.0),
            **{p: v for p, v in values.items() if p not in OWN_ROWS},
            "mode": "listen",
            "yield": False,
            "dry": REGISTRY.resolve("dry").minimum,
        },
    )
    engine = Engine(config)
    engine.start()
    try:
        ran = time.perf_counter()
        source = _Source(prompt, silence)
        total = silence + len(prompt) + frames
        last = _needed(hops, samplerate) - 1  # all frames but the one that completes the last hop of the prompt

        def run(until: int) -> list[np.ndarray]:
            out, piece = [], max(_BLOCK, round(_PIECE_S * samplerate) // _BLOCK * _BLOCK)
            while source.at < until:
                out.append(engine.run(source.take(min(piece, until - source.at))))
                if progress:
                    progress(min(source.at, total) / samplerate, total / samplerate)
            return out

        run(last)
        engine.apply(Event("mode", "answer", source="render"))
        engine.apply(Event("trigger", True, source="render"))
        out_delay = Resampler(MODEL_RATE, samplerate).delay_frames
        first = -(-(hops - 1) * HOP * samplerate // MODEL_RATE) + engine.timeline.delay_frames + out_delay
        voice = np.concatenate(run(first + frames))
        engine.proof.hear_last(engine.worker.chain)
        answer = voice[first - last :].copy()
        fade = min(round(_FADE_S * samplerate), frames)
        answer[frames - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
        return _join(prompt, answer, fade), engine.status(), time.perf_counter() - ran
    finally:
        engine.stop()


def payload_of(prompt: np.ndarray, samplerate: int, seconds: float, seed: int, bundle: str, values: dict) -> Payload:
    """What the mark of an answer says: a number that only the same prompt, asked the same, gives again, and no time."""
    asked = repr((prompt.shape, samplerate, seconds, seed, bundle, sorted(values.items()))).encode()
    digest = hashlib.sha256(asked + np.ascontiguousarray(prompt, np.float32).tobytes()).digest()
    return Payload(int.from_bytes(digest[:3], "big"))


def _join(prompt: np.ndarray, answer: np.ndarray, fade: int) -> np.ndarray:
    """The answer over what is left of the prompt: cut off in mid-tone it would click; on stage the performer's sound goes on."""
    if len(prompt):
        gone_on = np.stack([tail(channel, fade) for channel in prompt.T], 1)
        fall = np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32))[:, None] ** 2
        answer[:fade] = np.clip(answer[:fade] + gone_on * fall, -1, 1)
    return answer


def alignment(frames: int, samplerate: int) -> tuple[int, int]:
    """Give (frames of silence to put first, hops until the prompt has been heard whole).

    The last prompt frame comes out of the incoming resampler at model frame (silence + frames) * 48000 / rate + delay;
    the silence is the least that brings this to the end of a hop, or less than one device frame before it.
    """
    delay = Resampler(samplerate, MODEL_RATE).delay_frames
    hops = math.ceil((frames * MODEL_RATE / samplerate + delay) / HOP)
    silence = (hops * HOP - delay) * samplerate // MODEL_RATE - frames
    return silence, hops


class _Source:
    """Silence, the prompt, and silence for ever."""

    def __init__(self, prompt: np.ndarray, silence: int):
        self._sound, self._silence, self.at = prompt, silence, 0

    def take(self, frames: int) -> np.ndarray:
        out = np.zeros((frames, self._sound.shape[1]), np.float32)
        begin = max(self._silence - self.at, 0)
        position = self.at + begin - self._silence
        piece = self._sound[position : position + max(frames - begin, 0)]
        out[begin : begin + len(piece)] = piece
        self.at += frames
        return out


def _needed(hops: int, samplerate: int) -> int:
    """Device frames after which the incoming resampler has given `hops` hops; the worker's own rule."""
    return (hops * HOP - 1) * samplerate // MODEL_RATE + 1


def _sign(out, about: dict, recording: Recording, answer_only: bool, stems: dict[str, str]) -> tuple[str, ...]:
    """Sign what was written; a line where it could not be."""
    try:
        signing.sign_render(out, about=about, prompt=recording.path, answer_only=answer_only, stems=stems)
    except UsageError as error:
        return (str(error),)
    return ()


def _open_writers(recording: Recording, output_path, stems, about: dict, answer_only: bool) -> dict[str, Writer]:
    """Open what will be written before the work begins, so that a full or forbidden place is told at once."""
    writers: dict[str, Writer] = {}
    shape, whole = (recording.samplerate, recording.channels), "answer" if answer_only else "carried-on"

    def tags(kind: str) -> dict[str, str]:
        return signing.disclosure({**about, "kind": kind})

    try:
        if output_path is not None:
            writers["out"] = Writer(output_path, *shape, keep=recording.path, tags=tags(whole))
        if stems is not None:
            folder = Path(stems)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"--stems {folder}: no such folder can be made ({error.strerror})") from None
            taken = {Path(p).resolve() for p in (recording.path, output_path) if p is not None}
            for name in ("prompt", "voice"):
                if (folder / f"{name}.wav").resolve() in taken:
                    raise UsageError(f"--stems {folder}: {name}.wav there is IN or OUT itself; choose another folder")
                writers[name] = Writer(folder / f"{name}.wav", *shape, keep=recording.path, tags=tags(name))
    except BaseException:
        for writer in writers.values():
            writer.discard()
        raise
    return writers


def _write(writers: dict[str, Writer], recording: Recording, answer: np.ndarray, answer_only: bool) -> None:
    before, after = np.zeros_like(recording.pcm), np.zeros_like(answer)
    parts = {
        "out": [answer] if answer_only else [recording.pcm, answer],
        "prompt": [after] if answer_only else [recording.pcm, after],
        "voice": [answer] if answer_only else [before, answer],
    }
    for name, writer in writers.items():
        for part in parts[name]:
            writer.write(part)


def _silent(values: dict) -> tuple[str, ...]:
    rows = {path: REGISTRY.accept(path, value) for path, value in values.items() if path in ("mute", "voice", "master")}
    off = [path for path, value in rows.items() if (value if path == "mute" else value <= OFF_DB)]
    return tuple(f"the answer is silence: {path} is {'on' if path == 'mute' else 'off'}" for path in off)


def _apart(owner: str) -> tuple[str, ...]:
    return (f"this sounds like the voice of {owner}, which is protected: answered in a stored voice",) if owner else ()


def _db(level: float) -> float:
    return round(20.0 * math.log10(max(level, 1e-9)), 2)
