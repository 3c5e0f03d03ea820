"""Where the performer is: tuning, scale and register, estimated from the notes heard.

The instrument answers in the performer's own tuning: the offset of their semitones from the piano's, and of each step
of their scale from that (a neutral third stays neutral).
"""

from __future__ import annotations

import numpy as np

FORGET = 0.95  # per note heard
CONCERT_PITCH = 1.2  # weight of the belief in 440 Hz: a singer whose pitches point nowhere is answered there
SHADE_DOUBT = 4.0  # a step's own shade needs this much weight of notes for half of it to be believed
ROOM_SEMITONES = 3  # the register reaches this far beyond the lowest and highest tenth of what was heard
REGISTER_NOTES = 64
SURENESS = 1.5  # settles on one scale rather than on the mean of two

# Steps of a scale, and how ready we are to believe in it, in the order of SCALE_NAMES.
_SCALES = (
    ((0, 2, 4, 5, 7, 9, 11), 1.0),  # major
    ((0, 2, 3, 5, 7, 8, 10), 1.0),  # natural minor
    ((0, 2, 3, 5, 7, 8, 11), 0.4),  # harmonic minor
    ((0, 2, 3, 5, 7, 9, 11), 0.15),  # melodic minor
    ((0, 2, 3, 5, 7, 9, 10), 0.6),  # dorian
    ((0, 2, 4, 5, 7, 9, 10), 0.6),  # mixolydian
    ((0, 1, 4, 5, 7, 8, 10), 0.15),  # phrygian dominant, hijaz
    ((0, 1, 4, 5, 7, 8, 11), 0.1),  # double harmonic, mayamalavagowla
    ((0, 2, 3, 6, 7, 8, 11), 0.1),  # Hungarian minor
    ((0, 1, 3, 5, 7, 8, 10), 0.2),  # phrygian
    ((0, 2, 4, 6, 7, 9, 11), 0.2),  # lydian, kalyani
    ((0, 2, 4, 7, 9), 0.5),  # major pentatonic
    ((0, 3, 5, 7, 10), 0.4),  # minor pentatonic
    ((0, 1, 5, 7, 8), 0.1),  # in, pelog-like
)


SCALE_NAMES = ("major", "minor", "harmonic-minor", "melodic-minor", "dorian", "mixolydian", "hijaz", "double-harmonic",
               "hungarian-minor", "phrygian", "lydian", "pentatonic", "minor-pentatonic", "in")
assert len(SCALE_NAMES) == len(_SCALES)


def _profile(steps) -> tuple[np.ndarray, np.ndarray]:
    """Log probability of each pitch class, and which are members, for every tonic, both (12, 12)."""
    profiles, members = [], []
    for tonic in range(12):
        inside = np.zeros(12)
        inside[(np.array(steps) + tonic) % 12] = 1.0
        weight = np.where(inside > 0, 1.0, 0.07)
        weight[tonic] *= 1.7
        weight[(tonic + 7) % 12] *= 1.4 if inside[(tonic + 7) % 12] else 1.0
        profiles.append(np.log(weight / weight.sum()))
        members.append(inside)
    return np.array(profiles), np.array(members)


def _profiles() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log probability of each pitch class, membership and log prior for every (scale, tonic), tonics innermost."""
    each = [_profile(steps) for steps, _ in _SCALES]
    priors = np.repeat([np.log(prior) for _, prior in _SCALES], 12)
    return np.concatenate([profile for profile, _ in each]), np.concatenate([member for _, member in each]), priors


_PROFILE, _MEMBER, _PRIOR = _profiles()


class Key:
    """Running estimate of tuning, scale and register. Costs about 50 us a note; no thread of its own."""

    def __init__(self):
        self.reset()

    version = 0
    """Goes up whenever what is known has changed."""

    def reset(self) -> None:
        """Forget everything."""
        self.tuning = 0.0  # semitones, continuous: never jumps from +.5 to -.5
        self._turn = 0j
        self._weight = np.zeros(12)  # seconds-like weight of each pitch class
        self._count = np.zeros(12)
        self._cents = np.zeros(12)  # weighted sum of deviations from `tuning`, and of their squares
        self._spread = np.zeros(12)
        self._recent: list[int] = []
        self._settle()

    def _settle(self) -> None:
        """Work out what follows from the notes heard; once a note, since an answer asks for it at every plan."""
        self.version += 1
        self._believed = self._belief()
        self._membership = self._find_membership()
        self.likeliest = divmod(int(self._believed.argmax()), 12) if self.heard else None
        """Scale (index into SCALE_NAMES) and tonic that are likeliest by what was heard; None before."""
        ordered = sorted(self._recent)
        self._anchor = ordered[len(ordered) // 2] if ordered else 62
        low, high = np.percentile(ordered, [10, 90]) if ordered else (58.0, 69.0)
        short = max(0.0, 9.0 - (high - low)) / 2  # a prompt on two notes still leaves room for a tune
        self._register = float(low - short - ROOM_SEMITONES), float(high + short + ROOM_SEMITONES)

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {"tuning": self.tuning, "turn": self._turn, "recent": list(self._recent), "weight": self._weight.copy(),
                "count": self._count.copy(), "cents": self._cents.copy(), "spread": self._spread.copy()}  # fmt: skip

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        self.tuning, self._turn, self._recent = state["tuning"], state["turn"], list(state["recent"])
        kept = (state[name].copy() for name in ("weight", "count", "cents", "spread"))
        self._weight, self._count, self._cents, self._spread = kept
        self._settle()

    def hear(self, pitch: float, sounding_hops: int) -> int:
        """Take a heard pitch (MIDI semitones with cents) and return the semitone it is in the performer's tuning."""
        weight = min(2.0, max(1, sounding_hops) / 15.0)  # passing notes and scoops say little
        self._turn = FORGET * self._turn + weight * np.exp(2j * np.pi * pitch)
        fraction = float(np.angle(self._turn + CONCERT_PITCH) / (2 * np.pi))
        self.tuning += (fraction - self.tuning + 0.5) % 1.0 - 0.5
        semitone = int(round(pitch - self.tuning))
        chroma = semitone % 12
        off = pitch - self.tuning - semitone
        for sums in (self._weight, self._count, self._cents, self._spread):
            sums *= FORGET
        self._weight[chroma] += weight
        self._count[chroma] += 1
        self._cents[chroma] += weight * off
        self._spread[chroma] += weight * off * off
        self._recent = (self._recent + [semitone])[-REGISTER_NOTES:]
        self._settle()
        return semitone

    def sound(self, semitone: int) -> float:
        """Return the pitch to sound for a semitone: the performer's tuning, and their own shade of that step."""
        chroma = semitone % 12
        weight = self._weight[chroma] + 1e-9
        mean = self._cents[chroma] / weight
        variance = max(0.0, self._spread[chroma] / weight - mean * mean)
        # A shade sung alike each time is meant; one that wanders is not.
        shade = mean * weight / (weight + SHADE_DOUBT * (1.0 + variance / 0.02))
        return semitone + self.tuning + float(np.clip(shade, -0.5, 0.5))

    @property
    def heard(self) -> bool:
        """Whether any note was heard."""
        return bool(self._recent)

    def membership(self, tonic: int | None = None) -> np.ndarray:
        """How surely each pitch class is in the performer's scale, (12,) in 0..1; ones before anything was heard. With `tonic`,
        in their scale if that is its tonic."""
        return self._membership if tonic is None else self._find_membership(tonic)

    def tonic(self, steps: np.ndarray | None = None) -> int:
        """The pitch class that is most likely the tonic of what was heard, of a scale of these steps (n,) or of any; 0 before."""
        if not self.heard:
            return 0
        if steps is None:
            return int(self._believed.reshape(-1, 12).sum(0).argmax())
        return int((_profile(steps)[0] @ self._weight).argmax())

    def anchor(self) -> int:
        """Semitone in the middle of the performer's register: the (upper) median of the notes heard."""
        return self._anchor

    def register(self) -> tuple[float, float]:
        """Lowest and highest semitone to stay within."""
        return self._register

    def _belief(self, tonic: int | None = None) -> np.ndarray:
        """Probability of each scale and tonic, in the order of `_PROFILE`."""
        evidence = SURENESS * (_PROFILE @ self._weight) + _PRIOR
        if tonic is not None:
            evidence = np.where(np.arange(len(evidence)) % 12 == tonic, evidence, -np.inf)
        belief = np.exp(evidence - evidence.max())
        return belief / belief.sum()

    def _find_membership(self, tonic: int | None = None) -> np.ndarray:
        if not self.heard and tonic is None:
            return np.ones(12)
        member = (self._believed if tonic is None else self._belief(tonic)) @ _MEMBER
        if not self.heard:
            return member
        share = self._weight / self._weight.sum()
        # What is sung again and again is in the scale, whatever our list of scales says; unless we were told better.
        sung = np.clip((share - 0.09) / 0.08, 0.0, 1.0) * (self._count > 1.5)
        return np.maximum(member, sung) if tonic is None else member
