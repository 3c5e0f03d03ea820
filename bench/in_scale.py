"""Whether an answer keeps to the scale it was given: by its own plan, and by a pitch tracker that listens to its sound.

    python bench/in_scale.py [--seconds 12] [--seeds 3] [--settings rast,chord] [--out FOLDER] [--quick] [--dry-run]

Each recording is answered with each seed in each scale, with scale_grip 1, in concert pitch (tune_to 440: what is right is
then known to the cent) and once in the performer's own tuning. `chord` asks for another chord every second, chord_grip 1.

in_plan   share of note onsets whose planned pitch is a step of the scale asked for when they began, within 0.1 cents
          (with `performer`: of the scale that was heard, as the model has it); 1 is the law, one note less is a failure
cents     swift-f0's median pitch over the settled part of a note, against the pitch of the step that was planned, octaves
          left out: size of the error at the median and the 95th percentile, share within 15 and 50, and its mean with its
          sign. The tracker's own error on tones of known pitch is in the record
octaves   share of notes where the tracker's octave is another one, which is mostly the tracker's doing
tracked   notes of 120 ms and more on which the tracker is sure; the cents are of these
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import audible
from antiphon.params.scales import SCALES
from antiphon.params.table import KEYS
from performance import BLOCK, RATE, Performance, Split, prompt
from planned import LEAST_S, Plan, Planned, Tracker, cut_short, octaves_apart
from record import note, record

_FREE = (0.0, 75.0, 333.0, 498.0, 702.0, 850.0, 1040.0)
_CHORD_S = 1.0
_SAME_CENTS = 0.1


@dataclass(frozen=True)
class Setting:
    """Rows that say what the answer may sing. `cents`: steps above the pitch class `tonic`; None: the performer's, or chords."""

    rows: dict
    tonic: int | None = None
    cents: tuple[float, ...] | None = None


def _in(key: str, scale: str, **rows) -> Setting:
    cents = rows.get("scale_cents") or SCALES[scale]
    return Setting({"key": key, "scale": scale, "scale_grip": 1.0, "tune_to": "440", **rows}, KEYS.index(key) - 1, cents)


SETTINGS = {
    "performer": Setting({"scale_grip": 1.0}),
    "c major": _in("c", "major"),
    "e dorian": _in("e", "dorian"),
    "f# pentatonic": _in("f#", "pentatonic"),
    "d rast": _in("d", "rast"),
    "a bayati": _in("a", "bayati"),
    "e hijaz": _in("e", "hijaz"),
    "g bhairav": _in("g", "bhairav"),
    "c yaman": _in("c", "yaman"),
    "bb pelog": _in("bb", "pelog"),
    "eb slendro": _in("eb", "slendro"),
    "d free cents": _in("d", "cents", scale_cents=_FREE),
    "chord": Setting({"chord_grip": 1.0, "tune_to": "440"}),
}


def answer(performance: Performance, setting: Setting, seed: int, seconds: float) -> tuple[list[Planned], np.ndarray]:
    """The notes of an answer and its sound, (frames,)."""
    plan, chords = Plan(performance), random.Random(seed)
    by_chord = setting.cents is None and "chord_grip" in setting.rows
    if setting.cents is None and not by_chord:
        plan.asked = lambda: heard_scale(performance)
    plan.look()
    performance.apply("seed", seed)
    performance.begin(setting.rows)
    out = []
    for _ in range(max(1, round(seconds / _CHORD_S))):
        if by_chord:
            chord = tuple(sorted(chords.sample(range(12), 3)))
            plan.asked = lambda chord=chord: chord
            performance.apply("chord", tuple(60.0 + pitch for pitch in chord))
        out.append(performance.run(round(_CHORD_S * RATE) // BLOCK * BLOCK, plan.look)[:, 0])
    sound = np.concatenate(out)
    return cut_short(plan.notes, len(sound)), sound


def heard_scale(performance: Performance) -> tuple[float, ...]:
    """The pitches, in semitones below 12, that the model takes for the performer's scale. It says so nowhere: this looks inside."""
    key = performance.engine.worker.chain._notes.key
    return tuple(key.sound(60 + n) % 12 for n in range(12) if key.membership()[n] >= 0.5)


def off_cents(one: Planned, setting: Setting) -> float:
    """How far a planned pitch lies from the nearest that was allowed, in cents."""
    allowed = one.asked if setting.cents is None else [setting.tonic + step / 100 for step in setting.cents]
    return float(np.abs(octaves_apart(one.pitch - np.array(allowed))[1]).min())


def judge(rows: list[tuple[float, float, float, bool]]) -> dict:
    """The figures of all notes of a setting."""
    planned, off, heard = (np.array([row[n] for row in rows], float) for n in range(3))
    tracked = np.isfinite(heard)
    figures = {"notes": len(rows), "in_plan": float((off <= _SAME_CENTS).mean()), "outside": int((off > _SAME_CENTS).sum()),
               "long_enough": sum(row[3] for row in rows), "tracked": int(tracked.sum())}  # fmt: skip
    if tracked.any():
        octaves, cents = octaves_apart((heard - planned)[tracked])
        size = np.abs(cents)
        figures |= {"cents_p50": float(np.median(size)), "cents_p95": float(np.quantile(size, 0.95)),
                    "cents_mean": float(cents.mean()),
                    "within_15": float((size <= 15).mean()), "within_50": float((size <= 50).mean()),
                    "other_octave": float((octaves != 0).mean())}  # fmt: skip
    return {key: round(value, 4) for key, value in figures.items()}


def picture(name: str, setting: Setting, rows: list[tuple[float, float, float, bool]], place: Path) -> None:
    """Where in the octave the tracker heard notes: cents above the tonic, and the steps of the scale as lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    heard = np.array([row[2] for row in rows], float)
    tonic = setting.tonic if setting.tonic is not None else 0
    figure, axes = pyplot.subplots(figsize=(9, 2.6))
    axes.hist((heard[np.isfinite(heard)] - tonic) % 12 * 100, bins=np.arange(0, 1201, 5), color="tab:blue")
    for step in setting.cents or ():
        axes.axvline(step, color="tab:red", linewidth=0.6)
    axes.set_xlim(0, 1200)
    axes.set_xlabel(f"cents above {KEYS[tonic + 1]}")
    axes.set_title(f"{name}: {np.isfinite(heard).sum()} notes as a tracker hears them", fontsize=9)
    figure.tight_layout()
    figure.savefig(place, dpi=110)
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ", ".join(SETTINGS)
    parser.add_argument("--settings", type=lambda text: text.split(","), default=list(SETTINGS), help=f"of {names}")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each answer")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--clips", type=Path, default=audible.clip_paths()[0].parent, help="folder of recordings")
    parser.add_argument("--out", type=Path, help="folder for a picture of each scale")
    parser.add_argument("--quick", action="store_true", help="one seed, six seconds")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no records")
    args = parser.parse_args()
    if unknown := [name for name in args.settings if name not in SETTINGS]:
        parser.error(f"no setting {', '.join(unknown)}; there is {', '.join(SETTINGS)}")
    if args.quick:
        args.seeds, args.seconds = 1, 6.0
    tracker = Tracker()
    tracker_p50, tracker_p95 = tracker.error_cents()
    found: dict[str, list] = {name: [] for name in args.settings}

    def notes_of(performance: Performance, setting: Setting, seed: int) -> list[tuple[float, float, float, bool]]:
        notes, sound = answer(performance, setting, seed, args.seconds)
        heard = tracker.pitches(sound, notes)
        return [(one.pitch, off_cents(one, setting), float(pitch), one.length_s >= LEAST_S)
                for one, pitch in zip(notes, heard, strict=True)]  # fmt: skip

    for path in audible.clip_paths(args.clips):
        with Performance(prompt(path.stem, args.clips), {}, 1, bundle=args.bundle) as performance:
            begun: list[tuple[str, Split]] = []
            for name in args.settings:
                for seed in range(1, args.seeds + 1):
                    begun.append((name, Split(lambda name=name, seed=seed: notes_of(performance, SETTINGS[name], seed))))
                    if len(begun) > 1:
                        begun[-2][1].wait()
            for name, split in begun:
                found[name] += split.result() or []
        note(f"{path.stem}: {sum(map(len, found.values()))} notes so far")
    failed = False
    for name, rows in found.items():
        if not rows:
            note(f"{name}: no notes")
            failed = True
            continue
        figures = judge(rows)
        failed = failed or figures["outside"] > 0
        record("in_scale", name, figures | {"tracker_cents_p50": round(tracker_p50, 2), "tracker_cents_p95": round(tracker_p95, 2)},
               unit="cents; shares of notes", clock="none: pitches of whole notes", write=not args.dry_run,
               settings={"seconds": args.seconds, "seeds": args.seeds, "bundle": args.bundle, **SETTINGS[name].rows})  # fmt: skip
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
            picture(name, SETTINGS[name], rows, args.out / f"in_scale-{name.replace(' ', '-').replace('#', 's')}.png")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
