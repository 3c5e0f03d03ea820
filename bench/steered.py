"""A sound with messages on the way: planned, played into a subject, and what became of it.

First come numbered frames, then silence, then a constant level whose gain the messages set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jackrig import Probe
from signals import Damage, damage, delays, first_change, marked
from subject import Subject

LEVEL = 0.25
GAINS = (1.0, 0.5, 0.85, 0.4, 0.7)
"""Taken in turn; a subject begins with the first. More than two, so that a change which comes after the next message is known."""
PAUSE_S = 0.1
"""After what is numbered, and after the last message: longer than most subjects are late by."""


@dataclass(frozen=True)
class Plan:
    """What is played, and when messages are sent."""

    samplerate: int
    numbered: int
    """Frames."""
    messages: tuple[float, ...]
    """Frames of the sound at which they are due."""
    left_out: int | None = None
    """One message in so many is planned and not sent: a fault on purpose."""

    @classmethod
    def make(
        cls, samplerate: int, seconds: float, messages: int, seed: int, apart_s: tuple[float, float], left_out: int | None = None
    ) -> Plan:
        """Plan so many seconds of numbered frames and so many messages at random distances; without any, the former alone."""
        apart = np.random.default_rng(seed).uniform(*apart_s, messages)
        at = samplerate * (seconds + 2 * PAUSE_S + np.cumsum(apart))
        return cls(samplerate, round(seconds * samplerate), tuple(at.tolist()), left_out)

    @property
    def pause(self) -> int:
        return round(PAUSE_S * self.samplerate)

    def sound(self) -> np.ndarray:
        """The whole of it, (frames,) float32."""
        parts = [marked(self.numbered), np.zeros(self.pause, np.float32)]
        if self.messages:
            ends = round(self.messages[-1]) + 2 * self.pause
            parts.append(np.full(ends - self.numbered - self.pause, LEVEL, np.float32))
        return np.concatenate(parts)

    def gain(self, number: int) -> float:
        """What a message sets; the one before the first is -1."""
        return GAINS[(number + 1) % len(GAINS)]

    def sends(self) -> list[int]:
        """The messages that are sent."""
        return [n for n in range(len(self.messages)) if not self.left_out or (n + 1) % self.left_out != 0]


@dataclass(frozen=True)
class Heard:
    """What one subject did with a plan."""

    delay: int
    """Of most numbered frames; -1 where none came."""
    damage: Damage
    control: list[float]
    """Frames from each message that was heard to its first differing frame."""
    planned: int
    """Messages that should have been heard."""
    handing_over: float
    """Frames that handing a message over took at most."""
    spacing_us: list[float] | None

    @property
    def unheard(self) -> int:
        return self.planned - len(self.control)


def listen(plan: Plan, subject: Subject, probe: Probe, folder: Path) -> Heard:
    """Play the plan into a subject that is wired and has gain 1, and leave it so. Raises SubjectFailed, ProbeFailed."""
    numbers = plan.sends()
    messages = [(plan.messages[n], subject.message(plan.gain(n))) for n in numbers]
    if plan.messages:
        messages.append((plan.messages[-1] + plan.pause, subject.message(plan.gain(-1))))
    subject.spacing_us()
    heard, told = probe.play(plan.sound(), folder, messages, subject.where)
    spacing = subject.spacing_us()
    sent = dict(zip(numbers, told["sent"]))  # noqa: B905 - on a machine that stood still the sound may be over before the last
    planned = [n for n in range(len(plan.messages)) if n in sent or n not in numbers]
    begins = [int(sent[n][0] if n in sent else plan.messages[n]) for n in planned]
    control = []
    for place, n in enumerate(planned):
        again = place + len(GAINS)  # the next message with this gain
        end = begins[again] if again < len(planned) else round(plan.messages[-1]) + plan.pause
        at = first_change(heard, begins[place], end, LEVEL * plan.gain(n))
        if at is not None:
            control.append(at - (0.5 * sum(sent[n]) if n in sent else begins[place]))
    numbered = heard[: plan.numbered + plan.pause]
    took = max((after - before for before, after in told["sent"]), default=0.0)
    return Heard(delays(numbered)[0], damage(numbered, plan.numbered), control, len(planned), took, spacing)
