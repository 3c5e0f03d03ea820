"""What is left of the mark after what happens to sound: a table of attacks, beside another watermark where it can be had.

    python bench/mark.py [--crops 2] [--lengths 5,10,15,20] [--audiowmark PROGRAM] [--out FOLDER] [--quick] [--dry-run]

The chain answers recordings for a minute each (answers.py): instruments, sung answers, and sparse ones with
silences. Each answer is marked from a random place in the pattern on, with the key of an installation and a random
payload, attacked as a whole (attacks.py), and cut at random offsets. A crop in which the voice sounds for less than a second is
drawn again, and counted. The detector is told nothing: neither the attack nor where the pattern is.

A case has presence where the detector says so at its own threshold, and its payload where the very payload is read; a
payload that is not the one put on is counted as wrong. Shares have Wilson's interval of 95 % beside them. audiowmark has one
kind of mark (128 bits), set for each answer to the SNR of ours; a case is found where the very message is read. It is told of
changes of speed. Quality: SNR, and ViSQOL (audio mode, pieces of 8 s; a sound against itself has 4.73) of the marked voice
beside that of the unmarked voice through MP3 at 128 kb/s, and how far apart marked and unmarked are to the ear of audible.py, whose
threshold is 1 dB: 99th percentile of its windows, and the share of them beyond it. No listening test was made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

import audible
from answers import CLASSES, RATE, Item, items
from antiphon.errors import UsageError
from antiphon.latency import HOP
from antiphon.provenance.detect import Detector
from antiphon.provenance.mark import Mark, Payload
from antiphon.provenance.pattern import PERIOD
from attacks import ASKED, ATTACKS, TIME_WARPED
from record import note, record, summary

LENGTHS = (5, 10, 15, 20)
GOALS = {"presence": 0.99, "payload": 0.95}
ASKED_LENGTHS = {"presence": (5, 10), "payload": (15, 20)}
LEAST_SOUNDING_S = 1.0
_VISQOL_S = 8.0
_SURE = 1.96


@dataclass(frozen=True)
class Found:
    """What a tool said of one crop: presence, whether it read the payload that was put on, or another."""

    present: bool
    payload: bool
    wrong: bool


@dataclass(frozen=True)
class Trial:
    """One crop of `seconds` and what was found in it, in how many seconds of work."""

    tool: str
    attack: str
    kind: str
    item: str
    seconds: int
    found: Found
    took_s: float


def put_on(voice: np.ndarray, key: bytes, payload: Payload, at_hop: int) -> np.ndarray:
    """Mark (frames,) voice of whole hops as the worker does, from hop `at_hop` of the pattern on."""
    mark = Mark(key, payload)
    mark.set_state(mark.state() | {"hop": at_hop})
    return np.concatenate([mark.step(hop) for hop in voice.reshape(-1, HOP)])


class Ours:
    """Antiphon's own mark, the key and the payload of an installation that is drawn by chance."""

    name = "antiphon"

    def __init__(self, random: np.random.Generator):
        self._key, self._payload = random.bytes(32), Payload(int(random.integers(1 << 24)), int(random.integers(1, 1 << 24)))

    def mark(self, item: Item, random: np.random.Generator) -> np.ndarray:
        """Give the voice marked, beginning anywhere in the pattern."""
        return put_on(item.voice, self._key, self._payload, int(random.integers(PERIOD)))

    def find(self, sound: np.ndarray, attack: str) -> Found:
        """Ask the detector, which is not told of the attack."""
        told = Detector(keys=[("bench", self._key)]).find(sound)  # a new one: it counts what it was asked
        read = {one.payload for one in told.payloads}
        return Found(told.marked, self._payload in read, bool(read - {self._payload}))


class AudioWmark:
    """audiowmark (github.com/swesterfeld/audiowmark), a program that is called; at the SNR of another tool's marks."""

    name = "audiowmark"

    def __init__(self, program: str, snr_of: dict[str, float], random: np.random.Generator):
        self._program, self._snr_of = program, snr_of
        self._message = random.bytes(16).hex()

    def mark(self, item: Item, random: np.random.Generator) -> np.ndarray:
        """Give the voice marked, as strongly as the SNR allows that is wanted: its mark's level goes with its strength."""
        marked = self._add(item.voice, 10.0)
        return self._add(item.voice, 10.0 * 10 ** ((snr_db(item.voice, marked) - self._snr_of[item.name]) / 20))

    def _add(self, voice: np.ndarray, strength: float) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            given, made = Path(folder) / "given.wav", Path(folder) / "made.wav"
            soundfile.write(given, voice, RATE, subtype="FLOAT")
            command = [self._program, "add", "-q", "--strength", f"{strength:.3f}", given, made, self._message]
            subprocess.run(command, check=True, capture_output=True)
            return soundfile.read(made, dtype="float32")[0][: len(voice)]

    def find(self, sound: np.ndarray, attack: str) -> Found:
        """Whether the message is among what it reads; it gives several guesses, so what else it reads is not held against it."""
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder) / "given.wav"
            soundfile.write(given, sound, RATE, subtype="FLOAT")
            speed = ["--detect-speed"] if attack in TIME_WARPED else []
            done = subprocess.run([self._program, "get", *speed, "--json", "-", given], capture_output=True, text=True, check=False)
        read = json.loads(done.stdout)["matches"] if done.stdout.startswith("{") else []
        found = any(match["bits"] == self._message for match in read)
        return Found(found, found, False)


def snr_db(voice: np.ndarray, marked: np.ndarray) -> float:
    """Power of the voice over that of what was put on it."""
    power, added = (float((sound.astype(np.float64) ** 2).sum()) for sound in (voice, marked - voice))
    return 10 * np.log10(power / max(added, 1e-30))


def crop(voice: np.ndarray, attacked: np.ndarray, seconds: int, random: np.random.Generator) -> tuple[np.ndarray, int]:
    """Cut `seconds` anywhere out of what came of a voice in which it sounds for a second; and how often it was drawn in vain."""
    hops = np.sqrt((voice.reshape(-1, HOP).astype(np.float64) ** 2).mean(axis=1))
    sounding = np.concatenate([[0], np.cumsum(hops > 3e-3 * hops.max())]) * HOP / RATE
    length, warp = seconds * RATE, len(voice) / len(attacked)
    for vain in range(1000):
        begin = int(random.integers(len(attacked) - length + 1))
        first, last = (min(round(at * warp / HOP), len(hops)) for at in (begin, begin + length))
        if sounding[last] - sounding[first] >= LEAST_SOUNDING_S:
            return attacked[begin : begin + length], vain
    raise UsageError(f"an answer has no {seconds} s in which it sounds for {LEAST_SOUNDING_S:g} s; take other clips")


def trials(tool: Ours | AudioWmark, marked: list[tuple[Item, np.ndarray]], attacks: Iterable[str], lengths: Iterable[int],
           crops: int, seed: int) -> tuple[list[Trial], int]:  # fmt: skip
    """Attack every marked answer in every way and ask of every crop; and how many crops were drawn in vain."""
    done, vain = [], 0
    for number, attack in enumerate(attacks):
        began = time.perf_counter()
        for place, (item, sound) in enumerate(marked):
            random = np.random.default_rng((seed, number, place))
            attacked = ATTACKS[attack](sound, item.dry, random)
            for seconds in lengths:
                for _ in range(crops):
                    piece, more = crop(item.voice, attacked, seconds, random)
                    start = work_s()
                    found = tool.find(piece, attack)
                    done.append(Trial(tool.name, attack, item.kind, item.name, seconds, found, work_s() - start))
                    vain += more
        here = [one for one in done if one.attack == attack]
        note(f"{tool.name}, {attack}: {' '.join(cells(here, lengths))}; {time.perf_counter() - began:.0f} s")
    return done, vain


def work_s() -> float:
    """Processor time that this process and those that it waited for have had: other work on the machine is left out."""
    took = os.times()
    return took.user + took.system + took.children_user + took.children_system


def wilson(right: int, count: int) -> tuple[float, float]:
    """Interval in which a share lies that was `right` of `count`, with 95 %."""
    share, spread = right / count, _SURE**2 / count
    half = _SURE * np.sqrt(share * (1 - share) / count + spread / count / 4)
    return max(0.0, (share + spread / 2 - half) / (1 + spread)), min(1.0, (share + spread / 2 + half) / (1 + spread))


def counts(some: list[Trial], what: str, lengths: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Of each length: in how many crops it was found, and of how many."""
    by_length = {seconds: [getattr(one.found, what) for one in some if one.seconds == seconds] for seconds in lengths}
    return {seconds: (sum(found), len(found)) for seconds, found in by_length.items() if found}


def figures(some: list[Trial], lengths: Iterable[int]) -> dict:
    """Shares, intervals and counts of presence and payload at each length, and wrong payloads."""
    told: dict = {"trials": len(some), "wrong_payloads": sum(one.found.wrong for one in some)}
    for what, name in (("presence", "present"), ("payload", "payload")):
        for seconds, (right, count) in counts(some, name, lengths).items():
            low, high = wilson(right, count)
            told |= {f"{what}_{seconds}s": round(right / count, 4), f"{what}_{seconds}s_95": [round(low, 3), round(high, 3)],
                     f"{what}_{seconds}s_of": count}  # fmt: skip
    return told


def cells(some: list[Trial], lengths: Iterable[int]) -> list[str]:
    """Presence at each length, then payload at each, in per cent."""
    return [f"{100 * right / count:.0f}" for name in ("present", "payload")
            for right, count in counts(some, name, lengths).values()]  # fmt: skip


def asked(some: list[Trial]) -> dict:
    """The goals: presence at 5 and 10 s and payload at 15 and 20 s over attacks and crops that they are set for."""
    told: dict = {}
    for what, name in (("presence", "present"), ("payload", "payload")):
        found = [getattr(one.found, name) for one in some if one.attack in ASKED and one.seconds in ASKED_LENGTHS[what]]
        if found:
            low, high = wilson(sum(found), len(found))
            told |= {what: round(sum(found) / len(found), 4), f"{what}_95": [round(low, 4), round(high, 4)],
                     f"{what}_cases": len(found), f"{what}_goal": GOALS[what]}  # fmt: skip
    return told


def quality(item: Item, marked: np.ndarray, judge) -> dict[str, float]:
    """SNR in dB of one answer, whole and of its hops at the 5th percentile; ViSQOL of the marked voice and of MP3 at 128 kb/s, the
    worse of two pieces; distance to the ear; whether frames of silence stayed silence."""
    voice = item.voice
    hops, added = ((sound.reshape(-1, HOP).astype(np.float64) ** 2).sum(axis=1) for sound in (voice, marked - voice))
    loud = hops > 1e-5 * hops.max()
    of_hops = 10 * np.log10(hops[loud] / (added[loud] + 1e-30))
    told = {"snr_db": snr_db(voice, marked), "snr_db_p5": float(np.percentile(of_hops, 5)),
            "silence_kept": bool((marked[voice == 0] == 0).all())}  # fmt: skip
    compressed = ATTACKS["MP3 128"](voice, voice, np.random.default_rng(1))
    for name, sound in (("visqol", marked), ("visqol_mp3_128", compressed)):
        scores = []
        for begin in (len(voice) // 8, len(voice) // 2):
            piece = slice(begin, begin + round(_VISQOL_S * RATE))
            one, other = voice[piece].astype(np.float64), sound[piece].astype(np.float64)
            scores.append(float(judge.measure_from_arrays(one, other, sample_rate=RATE).moslqo))
        told[name] = min(scores)
    for name, look in zip(("short", "long"), audible.LOOKS, strict=True):
        apart = np.concatenate([audible.distance(voice[at : at + 2 * RATE], marked[at : at + 2 * RATE], look)
                                for at in range(0, len(voice) - 2 * RATE, 4 * RATE)])  # fmt: skip
        told[f"ear_{name}_db_p99"] = float(np.percentile(apart, 99))
        told[f"ear_{name}_beyond"] = float((apart > audible.LEAST_DB).mean())
    return told


def sum_of(told: list[dict]) -> dict:
    """Mean and least of each figure over answers, of the ear's the most; all of what is yes or no."""
    named = {name: np.array([one[name] for one in told], float) for name in told[0]}
    return {"answers": len(told), "silence_kept": bool(named.pop("silence_kept").all()),
            **{name: round(float(some.mean()), 3) for name, some in named.items()},
            **{f"{name}_most" if name.startswith("ear") else f"{name}_least":
               round(float(some.max() if name.startswith("ear") else some.min()), 3) for name, some in named.items()}}  # fmt: skip


def table(done: list[Trial], lengths: tuple[int, ...]) -> str:
    """A Markdown table of all attacks: presence and payload in per cent at each length, of ours by class and of the other tool."""
    heads = [f"{what} {seconds} s" for what in ("presence", "payload") for seconds in lengths]
    tools = sorted({one.tool for one in done})
    lines = [f"| tool | attack | {' | '.join(heads)} |", "|" + "---|" * (len(heads) + 2)]
    for tool in tools:
        for attack in ATTACKS:
            some = [one for one in done if one.attack == attack and one.tool == tool]
            if not some:
                continue
            row = []
            for name in ("present", "payload"):
                for seconds in lengths:
                    count = counts(some, name, [seconds]).get(seconds)
                    classes = [counts([one for one in some if one.kind == kind], name, [seconds]).get(seconds) for kind in CLASSES]
                    parts = "/".join(f"{100 * right / of:.0f}" for right, of in filter(None, classes))
                    row.append(f"{100 * count[0] / count[1]:.0f} ({parts})" if count else "")
            lines.append(f"| {tool} | {attack} | {' | '.join(row)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, default=audible.clip_paths()[0].parent, help="folder of recordings")
    parser.add_argument("--cache", type=Path, help="folder in which the unmarked answers are kept; else they are made each time")
    parser.add_argument("--attacks", type=lambda text: text.split(","), default=list(ATTACKS), help=f"of {', '.join(ATTACKS)}")
    parser.add_argument("--lengths", type=lambda text: tuple(map(int, text.split(","))), default=LENGTHS, help="of crops, in s")
    parser.add_argument("--crops", type=int, default=2, help="of each answer and length, after each attack")
    parser.add_argument("--audiowmark", default=shutil.which("audiowmark"), metavar="PROGRAM", help="where it is")
    parser.add_argument("--beside", type=int, default=6, help="answers that audiowmark is tried on, with 5 and 15 s; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--out", type=Path, help="folder for mark.md")
    parser.add_argument("--quick", action="store_true", help="six answers, a crop of 5 and one of 15 s")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no records")
    args = parser.parse_args()
    if unknown := [name for name in args.attacks if name not in ATTACKS]:
        parser.error(f"no attack {', '.join(unknown)}; there is {', '.join(ATTACKS)}")
    if args.quick:
        args.crops, args.lengths, args.beside = 1, (5, 15), min(args.beside, 1)
    with tempfile.TemporaryDirectory() as folder:
        answers = items(args.clips, args.cache or Path(folder), bundle=args.bundle, seed=args.seed)
    if args.quick:
        answers = answers[::2]
    random = np.random.default_rng(args.seed)
    ours = Ours(random)
    marked = [(item, ours.mark(item, random)) for item in answers]
    settings = {"answers": len(answers), "crops": args.crops, "lengths_s": args.lengths, "seed": args.seed, "bundle": args.bundle}
    keep = {"settings": settings, "write": not args.dry_run, "clock": "none: shares of crops"}
    for kind, told in measured(marked).items():
        record("mark", f"quality, {kind}", told, unit="dB; ViSQOL 1 .. 5", **keep)
    done, vain = trials(ours, marked, args.attacks, args.lengths, args.crops, args.seed)
    if args.audiowmark and args.beside:
        other = AudioWmark(args.audiowmark, {item.name: snr_db(item.voice, sound) for item, sound in marked}, random)
        chosen = [item for item, _ in marked[:: max(1, len(marked) // args.beside)]][: args.beside]
        beside = [(item, other.mark(item, random)) for item in chosen]
        told = {item.name: round(float(snr_db(item.voice, sound)), 1) for item, sound in beside}
        note(f"audiowmark at an SNR in dB of {told}")
        lengths = (min(args.lengths), LENGTHS[2]) if LENGTHS[2] in args.lengths else args.lengths
        slow = [name for name in args.attacks if name in TIME_WARPED]  # its search for another speed takes five times as long
        done += trials(other, beside, [name for name in args.attacks if name not in slow], lengths, 1, args.seed)[0]
        done += trials(other, beside[::2], slow, lengths, 1, args.seed)[0]
    else:
        note("audiowmark is not here: nothing is beside ours (--audiowmark PROGRAM)")
    report(done, vain, args.lengths, keep)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "mark.md").write_text(table(done, args.lengths) + "\n", encoding="utf-8")
    note(table(done, args.lengths))
    return 1 if any(one.found.wrong for one in done) else 0


def measured(marked: list[tuple[Item, np.ndarray]]) -> dict[str, dict]:
    """Quality of each class."""
    from visqol import VisqolApi

    judge = VisqolApi()
    judge.create(mode="audio")
    told = {item.name: quality(item, sound, judge) for item, sound in marked}
    return {kind: sum_of([told[item.name] for item, _ in marked if item.kind == kind]) for kind in CLASSES
            if any(item.kind == kind for item, _ in marked)}  # fmt: skip


def report(done: list[Trial], vain: int, lengths: tuple[int, ...], keep: dict) -> None:
    """Keep a record of each attack, of each answer, of each class, of all, and of the detector's speed; of either tool."""
    for tool in sorted({one.tool for one in done}):
        of_tool = [one for one in done if one.tool == tool]
        for attack in dict.fromkeys(one.attack for one in of_tool):
            some = [one for one in of_tool if one.attack == attack]
            record("mark", f"{tool}: {attack}", figures(some, lengths), unit="share of crops", **keep)
        for name in (*dict.fromkeys(one.item for one in of_tool), *CLASSES, "all"):
            some = [one for one in of_tool if name in (one.item, one.kind, "all")]
            if some and (sums := asked(some)):
                record("mark", f"{tool}: goals, {name}", sums | {"drawn_in_vain": vain}, unit="share of crops", **keep)
        speeds = summary([one.seconds / max(one.took_s, 1e-3) for one in of_tool]) | {"p10": float(np.percentile(
            [one.seconds / max(one.took_s, 1e-3) for one in of_tool], 10))}  # fmt: skip
        record("mark", f"{tool}: speed of detection", speeds, unit="times real time",
               **{**keep, "clock": "processor time of a call with a crop in memory"})  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
