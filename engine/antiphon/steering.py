"""What the rows are set to, and how a change reaches the callback and the model."""

from __future__ import annotations

import numpy as np

from .events import Event
from .kernels import lib
from .latency import hop_device_frames
from .layout import MARK_WORDS, Segment
from .params import REGISTRY, Value
from .units import db_to_gain

_PANIC_FADE_S = 0.005
_TARGETS = {
    "dry": lib.AP_TARGET_DRY,
    "voice": lib.AP_TARGET_VOICE,
    "master": lib.AP_TARGET_MASTER,
    "mute": lib.AP_TARGET_MUTE,
    "lowpass": lib.AP_TARGET_LOWPASS,
    "highpass": lib.AP_TARGET_HIGHPASS,
    "resonance": lib.AP_TARGET_RESONANCE,
    **{f"send/{n}": lib.AP_TARGET_SEND + n - 1 for n in range(1, lib.AP_SENDS + 1)},
}


class Steering:
    """The values of all rows. Block rows become commands to the callback, step rows doubles in the params mailbox.

    Before `bind` a change is what sound begins with. Under the engine's lock; costs microseconds and never waits.
    """

    def __init__(self, given: dict, seed: int | None):
        """Raises UsageError for what a row does not take."""
        self.values = REGISTRY.defaults()
        for path, value in (given if seed is None else {**given, "seed": seed}).items():
            self.values[path] = REGISTRY.accept(path, value)
        self.dropped = 0  # commands that found the callback's queue full
        self._owed: dict[str, int] = {}  # rows whose newest change is among these, and the frame it was meant for
        self._segment: Segment | None = None
        self._lead_room = 0
        self._params = np.append(REGISTRY.step_defaults(), np.zeros(MARK_WORDS))
        for row in REGISTRY.step_rows:
            if row.kind != "trigger":
                REGISTRY.put(self._params, row.path, self.values[row.path])

    def bind(self, segment: Segment, lead_room: int) -> None:
        """Let changes go to this segment from now on, and all values with them; its lead may grow by `lead_room` frames."""
        self._segment, self._lead_room = segment, lead_room
        self._owed.clear()  # sound begins with the values as they are
        segment.publish_params(self._params)

    def begins(self) -> dict:
        """Give the block rows that a block begins with, as `BlockSpec` takes them; mute is said to it apart from them."""
        if self.values["mute"]:
            self._segment.push_command(0, lib.AP_TARGET_MUTE, 0, 1.0)
        alone = {path: _number(path, self.values[path]) for path in _TARGETS if path != "mute" and not path.startswith("send/")}
        return {**alone, "sends": tuple(_number(path, self.values[path]) for path in _TARGETS if path.startswith("send/"))}

    def carry(self, *words: float) -> None:
        """Let what is generated from the next step on be marked with these numbers (marking.py)."""
        self._params[-MARK_WORDS:] = words
        if self._segment:
            self._segment.publish_params(self._params)

    def apply(self, event: Event) -> None:
        """Take an accepted event that is due."""
        row = REGISTRY.resolve(event.path)
        if row.access != "w":
            self.values[row.path] = event.value
        if row.target == "step" and (row.kind != "trigger" or event.value):
            REGISTRY.put(self._params, row.path, event.value)
            if row.path == "panic" and self._segment:
                self._hand_over("panic", 0)
        if self._segment is None:
            return
        if row.target == "block":
            self._hand_over(row.path, event.time_frame or 0)
        elif row.target == "step":
            self._segment.publish_params(self._params)

    def settle(self) -> None:
        """Send the newest of what found the callback's queue full, if there is room by now."""
        for path, frame in tuple(self._owed.items()):
            if self._send(path, frame):
                del self._owed[path]

    def fade_out(self, fade_frames: int) -> None:
        """Let everything that goes out fade to silence."""
        self._segment.push_command(0, lib.AP_TARGET_MUTE, fade_frames, 1.0)

    def _hand_over(self, path: str, frame: int) -> None:
        self._owed.pop(path, None)
        if not self._send(path, frame):
            self.dropped += 1
            self._owed[path] = frame

    def _send(self, path: str, frame: int) -> bool:
        """Queue one command for the callback; False where the queue is full."""
        if path == "panic":
            return self._silence()
        row, value, segment = REGISTRY.resolve(path), self.values[path], self._segment
        if frame:  # the callback counts the frames too that found no room in the mic ring; the clock stood still for them
            frame += int(segment.read_counters()["mic_overflow_frames"])
        return segment.push_command(frame, _TARGETS[path], round(row.smoothing_s * segment.samplerate), _number(path, value))

    def _silence(self) -> bool:
        """Fade the voice in the callback now, and keep it away until frames made after the panic are due.

        The lead may grow while frames from before the panic still wait: they must not be heard even then.
        """
        segment = self._segment
        fade = round(_PANIC_FADE_S * segment.samplerate)
        away = segment.delay_frames + self._lead_room + hop_device_frames(segment.samplerate) + fade
        return segment.push_command(0, lib.AP_TARGET_SILENCE, fade, away)


def _number(path: str, value: Value) -> float:
    """What the callback is told for a value of a block row: gains are linear there."""
    return db_to_gain(value) if REGISTRY.resolve(path).unit == "dB" else float(value)
