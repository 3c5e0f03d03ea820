"""How often a protected voice is known again, and how often somebody is taken for it, on recordings that nothing was fitted to.

    python bench/voices.py --readers FOLDER [--clips FOLDER] [--seeds FOLDER] [--cache FILE.npz] [--fit] [--dry-run]

Voices: readers (FOLDER holds `librispeech_test-other/READER/*.flac` and `librispeech_train-clean-100/*.flac`, as `audio_data`
of github.com/resemble-ai/Resemblyzer at 15d828e does; LibriSpeech, CC BY 4.0), the instruments and singers of
`../shared/data/seeds`, the recordings of `../shared/data/clips`, and performers made up by formula (antiphon.train.voices).
They are heard as the instrument hears them. Each is heard four times: as it is, and as three other microphones in other rooms
would have it (`channel`: equaliser, rumble and treble cut, reverberation, noise).

`--fit` learns the space and the strangers (`provenance/voicespace.py`) from 170 readers and the seeds that are not held out,
the first three times they are heard; strangers are means of two readers each, instruments, and made-up performers. Tested are
the other readers, held-out seeds and the clips, as they are and by the fourth microphone, which is no one's that was fitted to.

A trial compares the print of one recording (up to 20 s of it that sound with a pitch) with 5, 10 or 20 such seconds of other
notes or words, of the same voice or of another one. Same voices are of the same day; that is more than can be hoped for on
another one. Intervals (95 %) are bootstraps over the voices that are compared: trials of one voice hang together. Where nothing
went wrong their upper end is that of as many voices (missed) or pairs of voices (taken) as there were, had each been one trial.
"""

from __future__ import annotations

import argparse
import base64
import re
import time
import zlib
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy import signal

from antiphon.chain import Chain
from antiphon.commands.guard import voiced_in
from antiphon.model.bundle import Bundle
from antiphon.model.tokenizer import Tokenizer
from antiphon.model.tokens import HOP
from antiphon.params import REGISTRY
from antiphon.perform import Performer as State
from antiphon.train import voices as formula
from antiphon.train.seeds import HELD_OUT_INSTRUMENTS, PERCUSSION, SINGERS, instrument_of
from record import ROOT, note, record

RATE, FITTED_READERS, MICROPHONES = 48_000, 170, 4
SECONDS = (5, 10, 20)
KINDS = ("hum", "whistle", "voice", "reed")
OF_A_KIND = 16  # made-up performers that are strangers, and as many that are tested
DIRECTIONS, SHRINK = 30, 0.1
_Note = namedtuple("_Note", "onset_s pitch sounding_s level_db slurred")
Heard = dict[tuple[int, str], list[np.ndarray]]  # by microphone and name


@dataclass(frozen=True)
class Performer:
    """One voice and its recordings; `kind` is reader, seed, clip or made-up."""

    name: str
    kind: str
    files: tuple[Path, ...]
    fitted: bool
    human: bool


def performers(args: argparse.Namespace) -> list[Performer]:
    """All that there are, in order of their names."""
    found: dict[str, list[Path]] = {}
    for path in sorted(args.readers.glob("librispeech_*/**/*.flac")):
        found.setdefault(f"reader/{path.stem.split('-')[0]}", []).append(path)
    some = [name for name, files in found.items() if len(files) == 1]
    for path in sorted(args.seeds.glob("*/*.flac")):
        if path.parent.name not in PERCUSSION:
            found.setdefault(f"seed/{instrument_of(path)}", []).append(path)
    for path in sorted(args.clips.glob("*.wav")):
        found[f"clip/{path.stem}"] = [path]
    chosen = []
    for name, files in sorted(found.items()):
        kind, who = name.split("/")
        if kind == "seed":  # forty notes, in no order
            files = [files[at] for at in np.random.default_rng(1).permutation(len(files))[:40]]
        fitted = name in some[:FITTED_READERS] or (kind == "seed" and who not in HELD_OUT_INSTRUMENTS)
        human = kind == "reader" or who in SINGERS or bool(re.search("sing|vignesh|speech|vocadito|voice|lyra", who))
        chosen.append(Performer(name, kind, tuple(files), fitted, human))
    return chosen


def channel(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Another microphone in another room: its impulse response, and its noise in dB below the sound."""
    hertz = np.linspace(0, RATE / 2, 1025)
    gain_db = rng.uniform(-2, 2) * np.log2(np.maximum(hertz, 60) / 1000)
    for _ in range(rng.integers(1, 4)):
        centre, width = np.exp(rng.uniform(np.log(150), np.log(8000))), rng.uniform(0.3, 1)
        gain_db += rng.uniform(-7, 7) * np.exp(-0.5 * (np.log2(np.maximum(hertz, 20) / centre) / width) ** 2)
    gain_db -= 10 * np.log10(1 + (rng.uniform(40, 180) / np.maximum(hertz, 10)) ** 4)
    gain_db -= np.minimum(10 * np.log10(1 + (hertz / rng.choice([20_000, 16_000, 8000, rng.uniform(5000, 12_000)])) ** 8), 60)
    twice = signal.firwin2(1023, hertz / (RATE / 2), 10 ** (gain_db / 20))
    colour = signal.minimum_phase(np.convolve(twice, twice[::-1]), n_fft=8192)[:1023]
    frames = int(rng.uniform(0.15, 0.6) * RATE)
    room = rng.standard_normal(frames) * 10 ** (-3 * np.arange(frames) / frames)
    room[: RATE // 200] = 0
    room *= 10 ** (-rng.uniform(3, 14) / 20) / np.sqrt((room**2).sum())
    room[0] = 1
    return signal.fftconvolve(colour, room), rng.uniform(18, 40)


def through(sound: np.ndarray, microphone: tuple[np.ndarray, float], rng: np.random.Generator) -> np.ndarray:
    """Sound (frames,) as that microphone has it, with its noise, at -20 dB."""
    response, noise_db = microphone
    out = signal.fftconvolve(sound, response)[: len(sound)]
    level = np.sqrt(np.mean(out**2)) + 1e-9
    noise = signal.lfilter([1, -1], [1, -0.998], np.cumsum(rng.standard_normal(len(out))))
    out = out + noise * level * 10 ** (-noise_db / 20) / np.sqrt(np.mean(noise**2))
    return (out * (0.1 / level)).astype(np.float32)


def read(path: Path) -> np.ndarray:
    """A recording as mono float32 at 48 kHz, (frames,)."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(sound.mean(1), rate, RATE).astype(np.float32)


def hear(args: argparse.Namespace, everybody: list[Performer]) -> Heard:
    """What is heard of each performer by each microphone, file by file: (hops, 24) each."""
    if args.cache and args.cache.exists():
        kept, found = np.load(args.cache), {}
        for key in kept.files:
            number, name, _ = key.split("|")
            found.setdefault((int(number), name), []).append(kept[key])
        return found
    found, tokenizer = {}, Tokenizer(Bundle.open("hum").graph("tokenizer"))
    for at, who in enumerate(everybody):
        for number in range(MICROPHONES):
            seed = zlib.crc32(f"{number} {who.name}".encode())
            microphone = channel(np.random.default_rng(seed)) if number else None
            for path in who.files:
                sound = read(path)[: RATE * (6 if who.kind == "seed" else 40)]
                if microphone:
                    sound = through(sound, microphone, np.random.default_rng(seed))
                heard = voiced_in(sound, RATE, tokenizer)
                found.setdefault((number, who.name), []).append(heard[:100] if who.kind == "seed" else heard)
        if at % 20 == 0:
            note(f"heard {at} of {len(everybody)}")
    for name, sound in made_up():
        found[0, name] = [voiced_in(sound, RATE, tokenizer)]
    if args.cache:
        named = {f"{number}|{name}|{at}": one for (number, name), some in found.items() for at, one in enumerate(some)}
        np.savez(args.cache, **named)
    return found


def made_up() -> Iterator[tuple[str, np.ndarray]]:
    """Performers by formula: half of them become strangers, half are tested."""
    for kind in KINDS:
        for number in range(2 * OF_A_KIND):
            rng = np.random.default_rng(1000 + number)
            low, high = {"hum": (48, 64), "voice": (48, 68), "whistle": (80, 90), "reed": (52, 70)}[kind]
            centre, notes, at = rng.uniform(low, high), [], 0.2
            while at < 23:
                length = rng.uniform(0.3, 0.9)
                pitch = float(round(centre + rng.choice([0, 2, 4, 5, 7, 9, -3, -5])))
                notes.append(_Note(at, pitch, 0.9 * length, rng.normal(0, 2), rng.random() < 0.3))
                at += length + 0.3 * (rng.random() < 0.15)
            yield f"made-up/{kind}-{number:02d}", formula.voice(rng, notes, kind, 24)[0]


def pieces(found: np.ndarray, hops: int, most: int) -> list[np.ndarray]:
    """Consecutive parts of what was heard, of so many hops each."""
    return [found[at : at + hops] for at in range(0, min(len(found) - hops + 1, most * hops), hops)]


def fit(heard: Heard, everybody: list[Performer], print_of: Callable) -> dict[str, np.ndarray]:
    """Learn the space, where one voice has deviation 1 each way and voices among each other `between`, and the strangers."""
    prints, names, fitted = [], [], [who for who in everybody if who.fitted]
    for number in range(MICROPHONES - 1):
        for who in fitted:
            for piece in pieces(np.concatenate(heard[number, who.name]), 150, 8 if who.kind == "reader" else 24):
                prints.append(print_of(piece))
                names.append(who.name)
    prints, names = np.array(prints, np.float64), np.array(names)
    of = {name: prints[names == name] for name in np.unique(names)}
    centre = np.mean([some.mean(0) for some in of.values()], 0)
    scale = prints.std(0)
    within, between = np.zeros((2, len(centre), len(centre)))
    several = [(some - centre) / scale for some in of.values() if len(some) > 1]
    for some in several:
        middle = some.mean(0)
        own = (some - middle).T @ (some - middle) / (len(some) - 1)
        within += own / len(several)
        between += (np.outer(middle, middle) - own / len(some)) / len(several)
    within += SHRINK * np.trace(within) / len(within) * np.eye(len(within))
    whiten = np.linalg.inv(np.linalg.cholesky(within)).T
    strength, axes = np.linalg.eigh(whiten.T @ between @ whiten)
    best = np.argsort(-strength)[:DIRECTIONS]
    axes = (whiten @ axes[:, best]) / scale[:, None]

    def nobodies(some: list[str]) -> list[np.ndarray]:
        some = list(np.random.default_rng(0).permutation(some))
        return [(of[one].mean(0) + of[other].mean(0)) / 2 for one, other in zip(some[::2], some[1::2], strict=False)]

    people = [who.name for who in fitted if who.human and who.name in of]
    strangers = [one for kind in ("reader", "seed") for one in nobodies([name for name in people if name.startswith(kind)])]
    strangers += [some.mean(0) for name, some in of.items() if name not in people]
    strangers += [np.mean([print_of(piece) for piece in pieces(heard[0, name][0], 200, 4)], 0) for name in strange(0)]
    placed = (np.array(strangers) - centre) @ axes
    return {"CENTRE": centre, "AXES": axes, "BETWEEN": np.maximum(strength[best], 1e-3), "STRANGERS": placed}


def strange(half: int) -> list[str]:
    """Names of the made-up performers of a half."""
    return [f"made-up/{kind}-{number:02d}" for kind in KINDS for number in range(half * OF_A_KIND, (half + 1) * OF_A_KIND)]


_MADE = '''"""Made by `python bench/voices.py --fit`, never edited: the space in which voices are compared, and the strangers that a
likeness is measured against: means of two readers each, instruments, and performers made up by formula; no person's print.

Learned from LibriSpeech (V. Panayotov et al., CC BY 4.0) and from the recorded notes that `antiphon bundle info` names.
"""

import base64

import numpy as np
'''


def write(space: dict[str, np.ndarray], threshold: float, path: Path) -> None:
    """Write the module that `provenance.voices` compares in."""
    lines = [*_MADE.splitlines(), "", f"THRESHOLD = {threshold:g}", ""]
    for name, numbers in space.items():
        text = base64.b85encode(numbers.astype("<f2").tobytes()).decode()
        parts = [text[at : at + 120] for at in range(0, len(text), 120)]
        shape = ", ".join(map(str, numbers.shape))
        lines += [f"{name} = np.frombuffer(base64.b85decode(", *(f'    "{part}"' for part in parts),
                  f'), "<f2").astype(np.float32).reshape({shape})', ""]  # fmt: skip
    path.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")


@dataclass
class Trials:
    """`alike` (voices kept, tests); which of them are of one voice, and which of two; names of both."""

    alike: np.ndarray
    same: np.ndarray
    other: np.ndarray
    kept: list[Performer]
    tested: list[Performer]


def trials(heard: Heard, everybody: list[Performer], seconds: float, microphone: int, voices) -> Trials:
    """Compare prints of what was heard as it is with `seconds` of other sound by a microphone."""
    hops, kept, tests = round(seconds / 0.02), [], []
    for who in everybody:
        if who.fitted:
            continue
        mine, theirs = np.concatenate(heard[0, who.name]), np.concatenate(heard[microphone, who.name])
        first = min(voices.MOST, len(mine) - hops)
        if first >= voices.LEAST and len(who.files) + (who.kind == "clip") > 1:
            kept.append((who, voices.print_of(mine[:first])))
            share = first / len(mine)  # another microphone hears a little more or less of it
            theirs = theirs[round(share * len(theirs)) :]
        tests += [(who, voices.print_of(piece)) for piece in pieces(theirs, hops, 5)]
    prints = np.array([one for _, one in kept], np.float32)
    alike = np.stack([voices.likeness(prints, one) for _, one in tests], 1)
    same = np.array([[a is b for b, _ in tests] for a, _ in kept])
    return Trials(alike, same, ~same, [who for who, _ in kept], [who for who, _ in tests])


def equal_error(same: np.ndarray, other: np.ndarray) -> float:
    """Where as many same voices are missed as others are taken for them."""
    at = np.sort(np.concatenate([same, other]))
    missed = np.searchsorted(np.sort(same), at) / len(same)
    taken = 1 - np.searchsorted(np.sort(other), at) / len(other)
    return float(np.minimum.reduce(np.maximum(missed, taken)))


def figures(found: Trials, threshold: float, only: np.ndarray | None = None) -> dict:
    """Equal error rate, and both errors at the threshold with their intervals; `only`: of these kept voices and tests."""
    same, other = (mask & (True if only is None else only) for mask in (found.same, found.other))
    over = found.alike >= threshold
    missed, taken = same & ~over, other & over
    rng, spread = np.random.default_rng(0), []
    for _ in range(1000):
        some = rng.integers(len(found.kept), size=len(found.kept))
        spread.append((missed[some].sum() / max(1, same[some].sum()), taken[some].sum() / max(1, other[some].sum())))
    low, high = np.quantile(spread, [0.025, 0.975], axis=0)
    names = [who.name for who in found.tested]
    pairs = len({(at, names[number]) for at, number in zip(*np.nonzero(other), strict=True)})
    high = [end if count else 1 - 0.025 ** (1 / max(1, trials_)) for end, count, trials_ in
            zip(high, (missed.sum(), taken.sum()), (same.any(1).sum(), pairs), strict=True)]  # fmt: skip
    met = {names[number] for number in np.flatnonzero((same | other).any(0))}
    shares = missed.sum() / max(1, same.sum()), taken.sum() / max(1, other.sum())
    return {
        "voices_kept": int(same.any(1).sum()), "voices_tested": len(met), "same": int(same.sum()), "other": int(other.sum()),
        "eer": round(equal_error(found.alike[same], found.alike[other]), 4),
        "missed": round(float(shares[0]), 4), "missed_95": [round(float(low[0]), 4), round(float(high[0]), 4)],
        "taken": round(float(shares[1]), 5), "taken_95": [round(float(low[1]), 5), round(float(high[1]), 5)],
    }  # fmt: skip


def made_up_figures(heard: Heard, kind: str, seconds: float, voices) -> dict:
    """Of performers made up by formula: how many are missed, and how many of another one's trials are taken for them."""
    hops = round(seconds / 0.02)
    names = [name for name in strange(1) if kind in name and len(heard[0, name][0]) >= 500 + hops]
    prints = np.array([voices.print_of(heard[0, name][0][:500]) for name in names], np.float32)
    alike = np.stack([voices.likeness(prints, voices.print_of(heard[0, name][0][500 : 500 + hops])) for name in names], 1)
    over, own = alike >= voices.THRESHOLD, np.eye(len(names), dtype=bool)
    missed, taken = round(1 - float(over[own].mean()), 3), round(float(over[~own].mean()), 4)
    return {"voices_kept": len(names), "same": len(names), "other": int((~own).sum()), "missed": missed, "taken": taken}


def answers(who: Performer, seconds: float, voices) -> dict | None:
    """How much an answer is like the voice that it answers, when that is protected and when it is not; None where too little
    is heard.

    The register has the print of the very recording: whether it is known again is not asked here.
    """
    prompt = read(who.files[0])
    print_ = voices.print_of(voiced_in(prompt, RATE)[: voices.MOST])
    voice, found = voices.Voice(who.name, who.name, "", "", 0.0, print_), {}
    for way, protected in (("own", []), ("protected", [voice])):
        chain = Chain(Bundle.open("hum"), State(), 1, protected=voices.Recogniser(protected))
        values, mode, trigger = np.array(REGISTRY.step_defaults()), REGISTRY.resolve("mode"), REGISTRY.step_index("trigger")
        values[REGISTRY.step_index("mode")] = mode.encode("listen")[0]
        for hop in prompt[: len(prompt) // HOP * HOP].reshape(-1, HOP):
            chain.step(hop, values)
        values[REGISTRY.step_index("mode")], values[trigger] = mode.encode("hold")[0], 1
        room = (1e-4 * np.random.default_rng(0).standard_normal((round(seconds / 0.02), HOP))).astype(np.float32)
        sound = np.concatenate([chain.step(hop, values).copy() for hop in room])
        heard = voiced_in(sound, RATE)
        if len(heard) < voices.LEAST or (protected and not chain.status["voice_match"]):
            return None
        found[way] = round(float(voices.likeness(print_[None], voices.print_of(heard[: voices.MOST]))[0]), 2)
    return found


def main() -> None:
    """Hear, fit where it is asked for, compare, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = ROOT.parent / "shared" / "data"
    parser.add_argument("--readers", type=Path, required=True)
    parser.add_argument("--clips", type=Path, default=shared / "clips")
    parser.add_argument("--seeds", type=Path, default=shared / "seeds")
    parser.add_argument("--cache", type=Path, help="what was heard, kept for the next time")
    parser.add_argument("--fit", action="store_true", help="learn the space anew, and write provenance/voicespace.py")
    parser.add_argument("--threshold", type=float, default=3.1, help="with --fit: two are one voice from here on (default: 3.1)")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no records")
    args = parser.parse_args()
    place = ROOT / "engine/antiphon/provenance/voicespace.py"
    if args.fit and not place.exists():  # what hears imports it
        shapes = {"CENTRE": 48, "AXES": (48, 1), "BETWEEN": 1, "STRANGERS": (30, 1)}
        write({name: np.zeros(shape) for name, shape in shapes.items()}, 0, place)
    from antiphon.provenance import voices

    everybody = performers(args)
    heard = hear(args, everybody)
    if args.fit:
        write(fit(heard, everybody, voices.print_of), args.threshold, place)
        note(f"{place.name} is written; run again without --fit")
        return
    def keep(name: str, found: dict, settings: dict, unit: str = "share") -> None:
        settings = {"threshold": voices.THRESHOLD, **settings}
        record("voices", name, found, unit=unit, clock="none", settings=settings, write=not args.dry_run)

    for microphone, way in ((0, "as it is"), (MICROPHONES - 1, "another microphone and room")):
        for seconds in SECONDS:
            found, settings = trials(heard, everybody, seconds, microphone, voices), {"seconds": seconds, "microphone": way}
            people = np.array([[a.human and b.human for b in found.tested] for a in found.kept])
            keep(f"all voices, {way}, {seconds} s", figures(found, voices.THRESHOLD), settings)
            keep(f"people only, {way}, {seconds} s", figures(found, voices.THRESHOLD, people), settings)
    for kind in KINDS:
        for seconds in (5, 10):
            keep(f"made up: {kind}, {seconds} s", made_up_figures(heard, kind, seconds, voices), {"seconds": seconds})
    for who in everybody:
        if who.kind == "clip" and sum(map(len, heard[0, who.name])) >= voices.LEAST and (found := answers(who, 20.0, voices)):
            keep(f"answer to {who.name}", found, {"seconds": 20}, "likeness to the voice that is answered")
    cost(voices, write=not args.dry_run)


def cost(voices, write: bool) -> None:
    """What hearing a hop costs, with ten voices registered: most of them, and each 25th, which looks."""
    rng = np.random.default_rng(0)
    many = [voices.Voice(str(n), str(n), "", "", 20.0, rng.normal(0, 0.5, voices.NUMBERS).astype(np.float32)) for n in range(10)]
    ear, shape, spent = voices.Recogniser(many), rng.normal(0, 1, (2, 80)).astype(np.float32), []
    for _ in range(2500):
        began = time.perf_counter_ns()
        ear.hear(shape)
        spent.append((time.perf_counter_ns() - began) / 1000)
    looks = spent[1000 + voices.EVERY - 1 :: voices.EVERY]
    took = {"p50": np.median(spent), "look_p50": np.median(looks), "look_max": max(looks)}
    record("voices", "a hop heard, ten voices registered", {name: round(float(us), 1) for name, us in took.items()}, unit="us",
           clock="from the call of hear to its return", write=write)  # fmt: skip


if __name__ == "__main__":
    main()
