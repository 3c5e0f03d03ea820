"""Find the mark in any sound: is it there, since where, what does its payload say, and who is heard in each second.

A long sound is taken in stretches, so that memory stays bounded. In each, what is cheap is tried first: the noise on all of
it, then the bands, then clocks that are a little off, then another speed, tempo or pitch on its loudest part. Each of these
has its share of the chance of a false alarm, which for a whole file is at most 1e-6.

Not found, or found only in parts: answers shorter than 3 to 5 s cut from their place; sound that a neural codec made again;
a pitch moved by more than 2 %; and see bench/LOG.md for what noise, reverberation and other music leave of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..kernels import Resampler
from . import labels, spell
from .code import Payload
from .evidence import restlessness, whiten
from .keys import mark_keys
from .pattern import FRAMES, HOP, RATE
from .search import NoiseMaps, Place, band_places, drifting_places
from .track import Layer, band_layer, follow, follow_bands

CHANCE = 1e-6
"""Of a false alarm, for a whole file."""
STRETCH = 120 * RATE
_SHARES = {"noise": 0.4, "joint": 0.15, "bands": 0.15, "drift": 0.1, "speed": 0.1, "again": 0.1}
_SPEEDS = [1 + 0.002 * k for k in range(-10, 11)]
_PITCHES = [1 + 0.005 * k for k in range(-4, 5)]
_SAME = 600  # frames within which two lags are one
_MOST_TRACKS = 6
_PIECE = 12 * RATE
_HEARD = 3.5
_AUDIBLE = 7.0  # z over a whole track below which the noise counts as lost


@dataclass(frozen=True)
class Found:
    """A payload in a sound, from second `first` to `last`; `key_id` of the key that reads it, `z` how surely."""

    payload: Payload
    key_id: str
    first: float
    last: float
    z: float


@dataclass(frozen=True)
class Marked:
    """A part of a sound through which one pattern runs without a break, seconds `first` to `last`.

    `layer`: noise or bands. `speed`, `tempo` and `pitch`: by how much the sound was played faster, stretched (longer above 1)
    and moved in pitch since it was marked; all 1 where it was not. `pattern_s`: where in the pattern `first` lies.
    """

    first: float
    last: float
    z: float
    layer: str
    speed: float
    tempo: float
    pitch: float
    pattern_s: float


@dataclass
class Finding:
    """What was found in a sound of `seconds`. `p_value` is a bound, by Hoeffding's inequality, on the chance of an unmarked sound.

    `labels` has one of labels.LABELS a second; in a sound without a mark what is heard stays undecided.
    """

    seconds: float
    p_value: float = 1.0
    parts: list[Marked] = field(default_factory=list)
    payloads: list[Found] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    @property
    def marked(self) -> bool:
        return self.p_value <= CHANCE


class Detector:
    """Looks for marks in one mono sound at 48 kHz, stretch by stretch. 100 x real time and more; see bench/mark_cost.py.

    `keys`: (id, key) to read payloads with; None: the installation's. `deep` False leaves out all but the noise at its own
    speed. How many stretches will come need not be known: the i-th has 6 / (pi i)^2 of the chance of a false alarm.
    """

    def __init__(self, keys: list[tuple[str, bytes]] | None = None, deep: bool = True):
        self.keys, self.deep = mark_keys() if keys is None else keys, deep
        self._taken = 0
        self._speeds: list[float] = []

    @property
    def _looks(self) -> float:
        """By how much the chance of this stretch is smaller than that of all."""
        return (np.pi * self._taken) ** 2 / 6

    def find(self, sound: np.ndarray) -> Finding:
        """Look through the whole of (frames,) float32."""
        finding = Finding(0.0)
        for first, last in stretches_of(len(sound)):
            join(finding, self.stretch(sound[first:last]))
        return finding

    def stretch(self, sound: np.ndarray) -> Finding:
        """Look through the next stretch, (frames,) float32; times count from its beginning."""
        self._taken += 1
        sound = np.nan_to_num(np.asarray(sound, np.float32), posinf=0, neginf=0)
        finding = Finding(len(sound) / RATE, labels=["silence"] * -(-len(sound) // RATE))
        loud = labels.audible(sound)
        if not loud.any():
            return finding
        finding.labels = ["undecided" if heard else "silence" for heard in loud]
        white = whiten(sound)
        maps = NoiseMaps(white)
        strong = self._strong(maps.places(), "noise")
        if strong:
            return self._read(sound, white, strong, finding, 1.0, "noise")
        for speed in self._speeds:
            strong = self._again(sound, speed, finding)
            if strong:
                return finding
        if not self.deep:
            return finding
        moves = restlessness(sound)
        for share, places in (("joint", maps.joint), ("bands", band_places)):
            strong = self._strong(places(moves), share)
            if strong:
                return self._read(sound, white, strong, finding, 1.0, share)
        del maps
        pieces = _pieces(sound, 10 * RATE, max(1, len(sound) // (40 * RATE)))
        strong = self._strong(drifting_places(white, pieces), "drift")
        if strong:
            self._note(finding, strong, "drift")
            self._again(sound, 1 / (1 + strong[0].drift), finding)
            return finding
        return self._at_other_speeds(sound, finding)

    def _log_p(self, place: Place, share: str) -> float:
        return min(0.0, place.log_p + float(np.log(self._looks / _SHARES[share])))

    def _strong(self, places: list[Place], share: str) -> list[Place]:
        return [place for place in places if self._log_p(place, share) <= np.log(CHANCE)]

    def _note(self, finding: Finding, places: list[Place], share: str) -> None:
        for place in places:
            finding.p_value = min(finding.p_value, max(float(np.exp(self._log_p(place, share))), 1e-300))

    def _again(self, sound: np.ndarray, speed: float, finding: Finding) -> list[Place]:
        """Look at the sound as it was before it was played `speed` times as fast."""
        slow = retimed(sound, speed)
        white = whiten(slow)
        strong = self._strong(NoiseMaps(white).places(), "again")
        if strong:
            self._read(slow, white, strong, finding, speed, "again")
            if speed not in self._speeds:
                self._speeds = [*self._speeds, speed][-2:]
        return strong

    def _read(self, sound: np.ndarray, white: np.ndarray, strong: list[Place], finding: Finding, speed: float,
              share: str) -> Finding:
        """Follow the pattern from where it was found, read its payloads and tell who is heard."""
        self._note(finding, strong, share)
        moves = restlessness(sound)
        lags: list[Place] = []
        for place in strong:
            if all(_apart(place.lag, other.lag) > _SAME for other in lags):
                lags.append(place)
        tracks: list[Layer] = []
        for place in lags[:_MOST_TRACKS]:
            first, last = (0, len(sound)) if len(lags) <= 2 else _extent(place, lags, len(sound))
            layer = follow(white, place.lag, first, last, 300 if place.layer == "noise" else 480)
            if layer is not None and (place.layer == "noise" or layer.z > _AUDIBLE):
                tracks.append(layer)
        if not tracks:
            return self._by_bands(sound, moves, strong[0].lag, 1.0, 1.0, finding)
        names = [labels.label(sound, layer) for layer in tracks]
        heard = np.array([z for _, z in names])
        owner = heard.argmax(0) if tracks else np.zeros(0, int)
        for index, layer in enumerate(tracks):
            self._part(finding, layer, np.flatnonzero((owner == index) & (heard[index] > _HEARD)), speed)
            bands = band_layer(moves, layer.path)
            for one in spell.read(layer, bands, self.keys, len(tracks) * self._looks):
                begin, end = layer.path.starts[one.first], layer.path.starts[one.last - 1] + HOP
                finding.payloads.append(_found(one, begin, end, speed))
        for second in range(len(finding.labels)):
            at = min(int((second + 0.5) * speed), len(owner) - 1)
            finding.labels[second] = names[owner[at]][0][at]
        if speed == 1.0 and self.keys and self.deep and not finding.payloads:
            self._spell_bands(sound, moves, len(tracks), finding)
        return finding

    def _spell_bands(self, sound: np.ndarray, moves: np.ndarray, tracks: int, finding: Finding) -> None:
        """Look for a payload in the bands alone.

        At other tempos too where the noise lies in several places, as it does after stretching.
        """
        found = self._strong(band_places(moves), "bands")
        if found:
            layer = follow_bands(moves, found[0].lag, 0, len(sound))
            self._spell_layer(layer, finding)
        elif tracks > 1:
            self._at_other_speeds(sound, finding)

    def _part(self, finding: Finding, layer: Layer, sure: np.ndarray, speed: float) -> None:
        """Note the part of a sound through which a track runs; `sure`: seconds, in order, in which the mark is surely heard."""
        if not len(sure):
            return
        first, last = int(sure[0]), int(sure[-1]) + 1
        row = int(np.searchsorted(layer.path.starts, first * RATE))
        row = min(row, len(layer.path.starts) - 1)
        pattern = (int(layer.path.hops[row]) * HOP - (int(layer.path.starts[row]) - first * RATE)) % FRAMES
        finding.parts.append(Marked(first / speed, min(last / speed, finding.seconds), layer.z, "noise",
                                    speed * (1 - layer.drift), 1.0, 1.0, pattern / RATE))

    def _at_other_speeds(self, sound: np.ndarray, finding: Finding) -> Finding:
        """Try the bands at other speeds, tempos and pitches on the loudest pieces."""
        pieces = _pieces(sound, _PIECE, max(1, len(sound) // (90 * RATE)))
        ways = [(1 / speed, speed) for speed in _SPEEDS] + [(tempo, 1.0) for tempo in _SPEEDS if tempo != 1]
        ways += [(1.0, pitch) for pitch in _PITCHES if pitch != 1]
        best: tuple[Place, float, float, int] | None = None
        for first, last in pieces:
            piece = sound[first:last]
            by_pitch = {pitch: restlessness(piece, pitch) for pitch in _PITCHES}
            for tempo, pitch in ways:
                moves = by_pitch[min(_PITCHES, key=lambda known, pitch=pitch: abs(known - pitch))]
                for place in band_places(moves, tempo, configurations=len(ways) * len(pieces))[:1]:
                    if best is None or place.z > best[0].z:
                        best = (place, tempo, pitch, first)
        if best is None or not self._strong([best[0]], "speed"):
            return finding
        place, tempo, pitch, first = best
        self._note(finding, [place], "speed")
        if abs(tempo * pitch - 1) < 0.004:
            speed = self._refined(sound, first, min(first + _PIECE, len(sound)), 1 / tempo)
            if speed and self._again(sound, speed, finding):
                return finding
        lag = (place.lag - round(first / tempo)) % FRAMES
        return self._by_bands(sound, restlessness(sound, pitch), lag, tempo, pitch, finding)

    def _refined(self, sound: np.ndarray, first: int, last: int, speed: float) -> float | None:
        """Tell the speed of a piece more exactly, by following the noise; None where it is not heard."""
        for _ in range(2):
            slow = retimed(sound[first:last], speed)
            found = band_places(restlessness(slow))
            layer = follow(whiten(slow), found[0].lag, 0, len(slow), 480) if found else None
            if layer is None or layer.z < 6:
                return None
            speed *= 1 - layer.drift
        return speed

    def _by_bands(self, sound: np.ndarray, moves: np.ndarray, lag: int, tempo: float, pitch: float, finding: Finding) -> Finding:
        """Read what the bands alone say, where the noise is lost: who is heard stays undecided."""
        layer = follow_bands(moves, lag, 0, int(len(sound) / tempo), tempo)
        if layer is None:
            return finding
        self._spell_layer(layer, finding)
        heard = np.flatnonzero(layer.local(125) > _HEARD)
        if len(heard):
            begin, end = float(layer.path.starts[heard[0]]) / RATE, float(layer.path.starts[heard[-1]]) / RATE
            finding.parts.append(Marked(max(begin, 0.0), min(end, finding.seconds), layer.z, "bands", 1.0, tempo, pitch,
                                        (begin / tempo + lag / RATE) % (FRAMES / RATE)))
        return finding

    def _spell_layer(self, layer: Layer | None, finding: Finding) -> None:
        for one in spell.read(None, layer, self.keys, self._looks) if layer else []:
            begin, end = layer.path.starts[one.first], layer.path.starts[one.last - 1] + HOP
            finding.payloads.append(_found(one, begin, end, 1.0))


def _found(one: spell.Spelled, begin: int, end: int, speed: float) -> Found:
    """Put a payload that was read between two frames into the file's seconds."""
    return Found(one.payload, one.key_id, max(0.0, float(begin) / RATE / speed), float(end) / RATE / speed, one.z)


def stretches_of(frames: int) -> list[tuple[int, int]]:
    """Cut a sound's frames into stretches of two minutes; the last is up to half a minute longer."""
    count = max(1, (frames - STRETCH // 4) // STRETCH + 1)
    return [(k * STRETCH, (k + 1) * STRETCH if k < count - 1 else frames) for k in range(count)]


def join(whole: Finding, part: Finding) -> None:
    """Append what was found in the next stretch; all but the last are of whole seconds."""
    at = whole.seconds
    whole.p_value = min(whole.p_value, part.p_value)
    for one in part.payloads:
        one = replace(one, first=one.first + at, last=one.last + at)
        same = [k for k, other in enumerate(whole.payloads) if _goes_on(other, one)]
        if same:
            before = whole.payloads[same[0]]
            whole.payloads[same[0]] = replace(before, last=one.last, z=max(before.z, one.z))
        else:
            whole.payloads.append(one)
    whole.parts += [replace(one, first=one.first + at, last=one.last + at) for one in part.parts]
    whole.labels += part.labels
    whole.seconds += part.seconds


def _goes_on(before: Found, after: Found) -> bool:
    """Say whether what was found in the next stretch is the same payload, with at most 20 s of something else between."""
    return (before.payload, before.key_id) == (after.payload, after.key_id) and after.first - before.last < 20


def retimed(sound: np.ndarray, speed: float) -> np.ndarray:
    """Give (frames,) float32 as it was before it was played `speed` times as fast, to 10 ppm."""
    resampler = Resampler(RATE * 2, round(RATE * 2 * speed)) if abs(speed - 1) > 5e-6 else None
    if resampler is None:
        return sound
    tail = np.zeros(resampler.taps + 64, np.float32)
    out = np.array(resampler.process(np.concatenate([sound, tail])))
    return out[resampler.delay_frames : resampler.delay_frames + round(len(sound) * speed)]


def _apart(one: int, other: int) -> int:
    """Count the frames between two lags, round the pattern."""
    gap = (one - other) % FRAMES
    return min(gap, FRAMES - gap)


def _extent(place: Place, others: list[Place], frames: int) -> tuple[int, int]:
    """Where to follow one of many patterns: up to where the nearest others were found."""
    first = max((other.first for other in others if other.first < place.first), default=0)
    last = min((other.last for other in others if other.last > place.last), default=frames)
    return first, last


def _pieces(sound: np.ndarray, length: int, most: int) -> list[tuple[int, int]]:
    """Choose up to `most` pieces of `length` frames: the loudest of each part of the sound."""
    if len(sound) <= length:
        return [(0, len(sound))]
    parts = min(most, max(1, len(sound) // length))
    power = np.concatenate([[0.0], np.cumsum(np.add.reduceat(np.square(sound), np.arange(0, len(sound), RATE)), dtype=np.float64)])
    found = []
    for part in range(parts):
        low, high = len(sound) * part // parts, len(sound) * (part + 1) // parts
        starts = range(low, max(low + 1, high - length + 1), RATE)
        best = max(starts, key=lambda at: power[min((at + length) // RATE, len(power) - 1)] - power[at // RATE])
        found.append((best, min(best + length, len(sound))))
    return found
