"""How often a mark is found where there is none: whole runs of the detector, and the statistic it rests on, key by key.

    python bench/mark_false_alarms.py [--soundfont FILE] [--audiowmark PROGRAM] [--runs 2000] [--keys 100] [--out FOLDER] [--quick]

Runs: the detector as `verify` calls it, on sound without a mark of ours (unmarked.py): recordings, single notes strung together,
a soundfont's melodies, formulas (some with our own hop or period), our own answers before they are marked, music marked by
audiowmark; a third of all after MP3, Opus, EQ, reverb, noise or another speed; of 5, 10 and 20 s. And on marked answers, looked at
with another public key. What it tells as the chance of a false alarm is a bound: the share of runs with p <= x may be at most x.
Payloads: marked answers looked at with the public key and other installations' keys; any payload read is a false one.

Statistic: of each of many sounds, under each of many keys, the noise's and the bands' z at every place in the pattern. Under a
wrong key the signs are random and the sound is fixed, so that z must follow the Gauss distribution or stay below it: P(z) as told
by it must be uniform (the picture). Its far tail is extrapolated to the detector's threshold.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import audible
from answers import RATE, Item, items
from antiphon.latency import HOP
from antiphon.provenance import search, track
from antiphon.provenance.detect import _SHARES as SHARES
from antiphon.provenance.detect import CHANCE, Detector
from antiphon.provenance.evidence import PER_HOP, restlessness, whiten
from antiphon.provenance.mark import Payload
from antiphon.provenance.pattern import BANDS, PERIOD, presence
from mark import put_on
from record import note, record
from unmarked import Source, damaged, formula, loudly, marked_elsewhere, recordings, single_notes, soundfont

LENGTHS = (5, 10, 20)
_OF_LENGTHS = (0.8, 0.15, 0.05)  # of runs with each length
_STEP = 0.01
_EDGES = np.arange(-1200, 1201) * _STEP
TAILS = (3.0, 4.0, 4.5, 5.0, 5.5, 6.0)


@dataclass
class Tests:
    """Every z of one layer, counted in steps of 0.01, and the largest of each sound under each key; `sides` 2: a large negative z
    counts as well, since a sound's sign may be turned."""

    layer: str
    sides: int
    count: np.ndarray = field(default_factory=lambda: np.zeros(len(_EDGES) - 1, np.int64))
    largest: list[float] = field(default_factory=list)

    def add(self, z: np.ndarray) -> None:
        self.count += np.histogram(z, _EDGES)[0]
        self.largest.append(float(np.abs(z).max() if self.sides == 2 else z.max()))

    @property
    def total(self) -> int:
        return int(self.count.sum())

    def beyond(self, z: float) -> int:
        """How many are at least z."""
        return int(self.count[round((z - _EDGES[0]) / _STEP) :].sum())

    def uniform(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each step, P(z) of Gauss, and the share of tests at least as large."""
        return gauss(_EDGES[:-1]), self.count[::-1].cumsum()[::-1] / self.total

    def farthest(self) -> float:
        """The largest difference of the two over all steps (Kolmogorov and Smirnov's)."""
        expected, found = self.uniform()
        return float(np.abs(expected - found).max())

    def carried_on(self, threshold: float, places: float) -> float:
        """Chance that one of so many places is beyond `threshold`, from the tail that was seen: how many times more tests there are
        than Gauss has, from z = 3.5 to where twenty are left, as a line over z^2, carried on."""
        z = np.arange(3.5, 6.0, 0.1)
        seen = np.array([self.beyond(one) for one in z], float)
        z, seen = z[seen >= 20], seen[seen >= 20]
        if len(z) < 3:  # too few tests to tell: Gauss's own
            return float(places * gauss(np.array(threshold)))
        slope, offset = np.polyfit(z**2, np.log(seen / self.total / gauss(z)), 1, w=np.sqrt(seen))
        return float(places * gauss(np.array(threshold)) * math.exp(max(0.0, offset + slope * threshold**2)))


def of_all(z: float, tests: float) -> float:
    """Chance that the largest of so many tests is at least z."""
    return -math.expm1(-tests * float(gauss(np.array(z))))


def gauss(z: np.ndarray) -> np.ndarray:
    """P(a normal variate is larger)."""
    return np.vectorize(lambda one: 0.5 * math.erfc(one / math.sqrt(2)), otypes=[float])(z)


class Noting(Detector):
    """The detector, which also remembers the least p of all that it tried; what it tells is of what it found alone."""

    def __init__(self, keys: list[tuple[str, bytes]]):
        super().__init__(keys=keys)
        self.log_p, self.by_noise = 0.0, math.nan

    def _strong(self, places: list, share: str) -> list:
        self.log_p = min([self.log_p, *(self._log_p(place, share) for place in places)])
        if share == "noise" and places:
            self.by_noise = of_all(max(place.z for place in places), places[0].tests)
        return super()._strong(places, share)

    @property
    def p(self) -> float:
        """A bound on the chance that a sound without a mark gives as much in any of the stages that were gone through. `by_noise`
        is that chance for the noise alone, by Gauss and not as a bound; of a sound of 5 s it should be uniform."""
        return max(math.exp(self.log_p), 1e-300)


def key(number: int) -> bytes:
    """A wrong public key."""
    return b"not the public key %08d" % number


@contextlib.contextmanager
def looking_for(pattern: bytes) -> Iterator[None]:
    """Have the detector look for another public key's pattern, and then for its own again."""
    try:
        _set_presence(lambda: presence(pattern))
        yield
    finally:
        _set_presence(presence)


def _set_presence(give: Callable) -> None:
    search.presence = track.presence = give
    for made in vars(search).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


def noise_values(white: np.ndarray) -> np.ndarray:
    """z of the noise at every place of at most 10 s of whitened sound."""
    values, energy, _ = search.correlate(white, 0, len(white))
    return values / np.sqrt(energy + 1e-20)


def band_values(moves: np.ndarray) -> np.ndarray:
    """z of the bands at every place of at most 10 s of sound, worked out anew and not by the detector, (PER_HOP, PERIOD)."""
    signs = search.presence().band_signs
    hops = int((len(moves) - PER_HOP) / PER_HOP)
    ahead = np.fft.rfft(signs, axis=0)
    z = np.zeros((PER_HOP, PERIOD))
    for phase in range(PER_HOP):
        ring = np.zeros((PERIOD, BANDS))
        ring[:hops] = moves[phase : phase + PER_HOP * hops : PER_HOP]
        value = np.fft.irfft((np.conj(np.fft.rfft(ring, axis=0)) * ahead).sum(axis=1), PERIOD)
        square = np.fft.irfft((np.conj(np.fft.rfft(ring**2, axis=0)) * np.fft.rfft(signs**2, axis=0)).sum(axis=1), PERIOD)
        z[phase] = value / np.sqrt(np.maximum(square, 1e-3 * square.max() + 1e-20))
    return z


def runs(sources: dict[str, Source], count: int, random: np.random.Generator) -> tuple[dict[str, list[float]], list[float]]:
    """p of the detector on `count` sounds, in turn of each source; and p of the noise alone in those of 5 s, by Gauss."""
    found: dict[str, list[float]] = {name: [] for name in sources}
    by_noise: list[float] = []
    began = time.perf_counter()
    for number in range(count):
        name = list(sources)[number % len(sources)]
        seconds = float(random.choice(LENGTHS, p=_OF_LENGTHS))
        sound = damaged(loudly(sources[name](seconds, random), random), random)
        detector = Noting([])
        told = detector.find(np.ascontiguousarray(sound))
        found[name].append(detector.p)
        by_noise += [detector.by_noise] if seconds == LENGTHS[0] and np.isfinite(detector.by_noise) else []
        if told.marked:
            note(f"FALSE ALARM: {name}, run {number}: p {told.p_value:.1e}")
        if number % 200 == 199:
            least = min(map(min, filter(None, found.values())))
            note(f"{number + 1} of {count} runs, {time.perf_counter() - began:.0f} s, least p {least:.1e}")
    return found, by_noise


def wrong_keys(answers: list[Item], count: int, random: np.random.Generator) -> tuple[list[float], int, int]:
    """Marked answers: p under another public key each; and under the right one with ten other installations' keys: how many runs
    had presence, and how many a payload, which is a false one."""
    under_other, present, payloads = [], 0, 0
    others = [(f"other {n}", random.bytes(32)) for n in range(10)]
    for number in range(count):
        item = answers[number % len(answers)]
        at, frames = int(random.integers(len(item.voice) // HOP - 1000)) * HOP, (250 if number % 2 else 750) * HOP
        voice = item.voice[at : at + frames]
        marked = put_on(voice, random.bytes(32), Payload(int(random.integers(1 << 24))), int(random.integers(PERIOD)))
        with looking_for(key(100_000 + number)):
            detector = Noting(others)
            detector.find(marked)
            under_other.append(detector.p)
        told = Detector(keys=others).find(marked)
        present, payloads = present + told.marked, payloads + bool(told.payloads)
    return under_other, present, payloads


def statistics(sounds: list[np.ndarray], keys: int) -> list[Tests]:
    """z of both layers at every place, of all sounds under each of so many wrong keys."""
    noise, bands = Tests("noise", 2), Tests("bands", 1)
    white = [whiten(sound) for sound in sounds]
    moves = [restlessness(sound) for sound in sounds]
    began = time.perf_counter()
    for number in range(keys):
        with looking_for(key(number)):
            for one, moving in zip(white, moves, strict=True):
                noise.add(noise_values(one))
                bands.add(band_values(moving))
            if number == 0:  # what is counted here must be what the detector judges by
                assert abs(bands.largest[0] - search.band_places(moves[0])[0].z) < 1e-3
                assert abs(np.abs(noise_values(white[0])).max() - search.NoiseMaps(white[0]).places()[0].z) < 1e-3
        if number % 20 == 19:
            note(f"{number + 1} of {keys} keys, {time.perf_counter() - began:.0f} s")
    return [noise, bands]


def summed(p: list[float]) -> dict:
    """How many runs there were, the least p, how many were called marked, and the share at or below some p."""
    told = np.array(p)
    return {"runs": len(told), "alarms": int((told <= CHANCE).sum()), "p_least": float(f"{told.min():.3g}"),
            **{f"share_to_{x:g}": round(float((told <= x).mean()), 5) for x in (0.5, 0.1, 0.01, 0.001)}}  # fmt: skip


def farthest_off(p: list[float]) -> float:
    """The largest difference of a sample of p from uniform (Kolmogorov and Smirnov's D; chance gives about 0.9 / sqrt(count))."""
    sorted_p, share = np.sort(p), np.arange(1, len(p) + 1) / len(p)
    return float(max(np.abs(share - sorted_p).max(), np.abs(share - 1 / len(p) - sorted_p).max()))


def picture(tests: list[Tests], whole: dict[str, list[float]], bounds: list[float], place: Path) -> None:
    """The share of tests with p or less against p: of one place under a wrong key, straight and in logarithms; of whole sounds, by
    Gauss, and as the detector bounds it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, ((straight, far), (sounds, told)) = pyplot.subplots(2, 2, figsize=(11, 9))
    for one, colour in zip(tests, ("tab:blue", "tab:red"), strict=True):
        expected, found = one.uniform()
        straight.plot(expected, found, color=colour, label=f"{one.layer}: {one.total:.2g} tests")
        some = found > 0
        far.loglog(expected[some], found[some], color=colour, label=f"{one.layer}, largest z {max(one.largest):.2f}")
    far.loglog([1e-11, 1], [1e-11, 1], "k:", linewidth=1)
    far.set_xlim(1e-11, 1)
    for name, p in whole.items():
        sounds.step(np.sort(p), (np.arange(len(p)) + 1) / len(p), where="post", label=f"{name}: {len(p)}", linewidth=1)
    p = np.sort(bounds)
    told.step(p, (np.arange(len(p)) + 1) / len(p), where="post", label=f"p as the detector tells it, a bound: {len(p)} runs")
    told.loglog([1e-6, 1], [1e-6, 1], "k:", linewidth=1)
    told.set_xlim(1e-6, 1.5)
    for axes, title in ((straight, "one place in the pattern, by Gauss"), (far, "the same, in logarithms"),
                        (sounds, "whole sounds of 5 s, the best of all places, by Gauss"),
                        (told, "whole runs: above the line would be wrong")):  # fmt: skip
        if axes in (straight, sounds):
            axes.plot([0, 1], [0, 1], "k:", linewidth=1)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("p")
        axes.set_ylabel("share of tests with p or less")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(place, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    clips_folder = audible.clip_paths()[0].parent
    parser.add_argument("--clips", type=Path, default=clips_folder, help="folder of recordings")
    parser.add_argument("--seeds", type=Path, default=clips_folder.parent / "seeds", help="folder of folders of single notes")
    parser.add_argument("--cache", type=Path, help="folder in which the unmarked answers are kept; else they are made each time")
    parser.add_argument("--soundfont", type=Path, default=Path("/usr/share/sounds/sf2/TimGM6mb.sf2"))
    parser.add_argument("--audiowmark", default=shutil.which("audiowmark"), metavar="PROGRAM", help="where it is")
    parser.add_argument("--runs", type=int, default=2000, help="of the whole detector on unmarked sound")
    parser.add_argument("--wrong-keys", type=int, default=200, help="marked answers that are looked at with other keys")
    parser.add_argument("--sounds", type=int, default=24, help="whose statistic is looked at under each key, 5 s each")
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for mark_false_alarms.png")
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no records")
    args = parser.parse_args()
    if args.quick:
        args.runs, args.wrong_keys, args.keys = args.runs // 10, args.wrong_keys // 10, args.keys // 10
    random = np.random.default_rng(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        answers = items(args.clips, args.cache or Path(folder))
    clips = recordings(args.clips)
    sources: dict[str, Source] = {"recordings": clips, "single notes": single_notes(args.seeds), "formulas": formula,
                                  "own, unmarked": unmarked(answers)}  # fmt: skip
    if args.soundfont.exists():
        sources["soundfont"] = soundfont(args.soundfont)
    if args.audiowmark:
        sources["audiowmark"] = marked_elsewhere(args.audiowmark, clips)
    note(f"sources: {', '.join(sources)}")
    settings = {"runs": args.runs, "lengths_s": LENGTHS, "shares": _OF_LENGTHS, "keys": args.keys, "sounds": args.sounds,
                "seed": args.seed, "threshold_p": CHANCE}  # fmt: skip
    keep = {"settings": settings, "write": not args.dry_run, "clock": "none: counts"}
    sounds = [loudly(sources[name](5.0, random), random) for n in range(args.sounds) for name in [list(sources)[n % len(sources)]]]
    marked = [put_on(item.voice[500 * HOP : 750 * HOP], random.bytes(32), Payload(1), 7) for item in answers[::3]]
    tests = statistics(sounds + marked, args.keys)
    found, by_noise = runs(sources, args.runs, random)
    found["marked, another public key"], present, payloads = wrong_keys(answers, args.wrong_keys, random)
    for name, some in found.items():
        if not some:
            continue
        record("mark_false_alarms", f"runs: {name}", summed(some), unit="runs", **keep)
    every = [one for some in found.values() for one in some]
    record("mark_false_alarms", "runs: all", summed(every), unit="runs", **keep)
    record("mark_false_alarms", "payloads under ten other installations' keys",
           {"runs": args.wrong_keys, "present": present, "false_payloads": payloads}, unit="runs", **keep)  # fmt: skip
    for one in tests:
        places, allowed = one.sides * one.total / len(one.largest), SHARES[one.layer] * CHANCE
        threshold = math.sqrt(2 * math.log(places / allowed))
        tail = {f"beyond_{z:g}": [one.beyond(z), round(one.total * float(gauss(np.array(z))), 2)] for z in TAILS}
        record("mark_false_alarms", f"statistic: {one.layer}",
               {"tests": one.total, "sounds_times_keys": len(one.largest), **tail, "largest": round(max(one.largest), 2),
                "farthest_from_uniform": round(one.farthest(), 5),
                "threshold_5s": round(threshold, 2), "p_of_5s_allowed": allowed,
                "p_of_5s_by_tail": float(f"{one.carried_on(threshold, places):.2g}")},
               unit="tests: seen and expected of Gauss", **keep)  # fmt: skip
    whole = {"the noise, unmarked sounds under the public key": by_noise}
    for one in tests:
        places = one.sides * one.total / len(one.largest)
        whole[f"the {one.layer}, wrong keys"] = [of_all(z, places) for z in one.largest]
    for name, p in whole.items():
        told = {"sounds": len(p), "farthest_from_uniform": round(farthest_off(p), 4),
                **{f"share_to_{x:g}": round(float((np.array(p) <= x).mean()), 4) for x in (0.5, 0.1, 0.01)}}  # fmt: skip
        record("mark_false_alarms", f"whole sounds of 5 s by Gauss: {name}", told, unit="share of sounds", **keep)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        picture(tests, whole, every, args.out / "mark_false_alarms.png")
    return 1 if payloads or min(every) <= CHANCE else 0


def unmarked(answers: list[Item]) -> Source:
    """Pieces of our own answers before they are marked."""

    def piece(seconds: float, random: np.random.Generator) -> np.ndarray:
        voice, length = answers[random.integers(len(answers))].voice, round(seconds * RATE)
        at = int(random.integers(len(voice) - length))
        return voice[at : at + length]

    return piece


if __name__ == "__main__":
    sys.exit(main())
