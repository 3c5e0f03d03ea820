"""Whether every change of every control is heard, and how soon: "30 of 30", counted honestly.

    python bench/heard.py [--changes 30] [--rows a,b] [--prompts 10] [--seed 1] [--out FOLDER] [--quick] [--dry-run]

The instrument hears a prompt of four seconds and answers, in mode hold, on freewheel. Between one and six seconds into the
answer the performance is split in two (performance.py): in one, a row takes another value (changes.py), at least a tenth of
its fader away. All else is the same, so whatever differs is the change. For each change:

first frame that differs, bit for bit; and the frame by which an ear can tell (audible.py), at most 1.2 s after. No audible
difference by then is a miss, also where there was nothing to be heard: a change in a rest, a limit that was not met. Changes
that came into a rest (no frame above -70 dB in the 31 ms after) are counted in, and the delays also given without them.

Delays are frames from the clock at which the event was applied to the frame heard, at the lead that play begins with (6 ms) and
blocks of 128: hop, block and lead are in them; the wait for the next callback (0 to 2.7 ms) and the device's own terms are not. An
audible difference is dated at the end of the 20 (or 60) ms in which it shows. Rows of the callback are also sent ahead of time: how
far from the frame that was asked for the first differing frame is, or from the first after it that is not silent.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import audible
from antiphon.latency import DEFAULT_LEAD_S, HOP
from antiphon.params import REGISTRY
from antiphon.train import clips
from audible import RUN_S, WINDOW
from changes import Before, Change, before, draw, rows
from performance import BLOCK, HUMMED, RATE, Performance, Split, prompt
from record import note, record

PROMPTS = ("00_sms_singing-female", "05_sms_sax-phrase", HUMMED, "06_sms_cello-phrase", "22_basic_vocadito-10",
           "24_mirdata_vocadito-1", "02_sms_vignesh", "32_wavs_gc")  # fmt: skip
"""Prompts with a pitch: what is answered by strokes alone has no use for a scale."""
FROM_S, TO_S = 1.0, 6.0
RUN = round(RUN_S * RATE) // BLOCK * BLOCK
ON_A_LINE = ("beat", "grid", "swing")
"""Rows that are tried with grid_grip 1, where they can be heard at the next line of the grid and not before."""
AT_ONCE = 2  # splits that run beside the performance
_REST, _REACHED = 10 ** (-70 / 20), 1504  # frames in which whatever a change reaches is reached


@dataclass(frozen=True)
class Found:
    """One change and what came of it: frames from its being applied, or from the frame it asked for; None: never.

    `silent`: frames of digital silence from there on, which no change can alter; `rest`: whether it came into a rest.
    """

    change: Change
    differs: int | None
    audible: int | None
    silent: int = 0
    rest: bool = False
    performance: int = 0


def play(sound: np.ndarray, seed: int, prepared: Before, planned: list[Change], thresholds_db: tuple, bundle: str) -> list[Found]:
    """One performance and all its splits. Raises RuntimeError where a split without a change is not the performance itself."""
    start, split = round(FROM_S * RATE) // BLOCK * BLOCK, []
    out: list[np.ndarray] = []
    with Performance(sound, prepared.values, seed, prepared.channels, prepared.goes_on, bundle) as performance:
        performance.begin()
        out.append(performance.run_to(start // 2 // BLOCK * BLOCK))
        for path, value in prepared.events:
            performance.apply(path, value)
        for change in [Change("", None, planned[0].block), *planned]:
            out.append(performance.run_to(start + change.block * BLOCK))

            def changed(change: Change = change) -> np.ndarray:
                if change.path:
                    performance.apply(change.path, change.value, change.later)
                return performance.run(RUN)

            split.append((change, performance.clock, Split(changed)))
            if len(split) > AT_ONCE:
                split[-1 - AT_ONCE][2].wait()
        out.append(performance.run(RUN))
    alone = np.concatenate(out)
    (_, at, unchanged), *split = split
    if not np.array_equal(unchanged.result(), alone[at : at + RUN]):
        raise RuntimeError("a split without a change differs from the performance: nothing can be said here")
    return [compare(change, alone[:at], alone[at : at + RUN], other.result(), thresholds_db) for change, at, other in split]


def compare(change: Change, past: np.ndarray, alone: np.ndarray, changed: np.ndarray | None, thresholds_db: tuple) -> Found:
    """Where what was changed differs from what was not; None of a split that ended in an error, whose change counts as missed."""
    asked = change.later or 0
    rest = bool(np.abs(alone[asked : asked + _REACHED]).max() < _REST)
    if changed is None or not (alone != changed).any():
        return Found(change, None, None, 0, rest)
    differs = np.flatnonzero((alone != changed).any(axis=1))
    sounds = np.flatnonzero(alone[asked:, (alone != changed).any(axis=0)].any(axis=1))
    one, other = (np.concatenate([past[-WINDOW:], sound]) for sound in (alone, changed))
    heard = audible.first_audible(one, other, thresholds_db)
    heard = None if heard is None else heard - WINDOW - asked
    return Found(change, int(differs[0]) - asked, heard, int(sounds[0]) if len(sounds) else 0, rest)


def performances(args: argparse.Namespace, thresholds_db: tuple[float, ...]) -> list[Found]:
    """All changes: the n-th of each row falls into the n-th performance, as far as there are any."""
    random_of = {row.path: random.Random(f"{args.seed} {row.path}") for row in rows()}
    chosen = [row for row in rows() if not args.rows or row.path in args.rows]
    plan: dict[tuple[int, int], list[Change]] = {}
    prepared: list[Before] = []
    for row in chosen:
        group = Before(**{**vars(before(row.path)), "draw": None})
        if group not in prepared:
            prepared.append(group)
        for n in range(args.changes):
            ways = random_of[row.path]
            change = Change(row.path, draw(row, ways), ways.randrange(round((TO_S - FROM_S) * RATE) // BLOCK))
            later = [Change(change.path, change.value, change.block, ways.randint(1, 9600))] if row.target == "block" else []
            plan.setdefault((n % args.prompts, prepared.index(group)), []).extend([change, *later])
    found = []
    for done, ((number, group), changes) in enumerate(sorted(plan.items()), 1):
        sound = prompt(PROMPTS[number % len(PROMPTS)], args.clips)
        changes = sorted(changes, key=lambda one: one.block)
        some = play(sound, args.seed + number, prepared[group], changes, thresholds_db, args.bundle)
        found += [replace(one, performance=number) for one in some]
        if done % 10 == 0 or done == len(plan):
            note(f"{done} of {len(plan)} performances, {len(found)} changes")
    return found


def figures(found: list[Found]) -> dict:
    """Counts, and delays in ms (and frames, to the first that differs) of changes that were applied at once."""
    differs = np.array([one.differs for one in found if one.differs is not None])
    heard = np.array([one.audible for one in found if one.audible is not None])
    result = {"changes": len(found), "heard": len(heard), "differ": len(differs)}
    result["in_rest"] = sum(one.rest for one in found)
    sounding = np.array([one.audible for one in found if one.audible is not None and not one.rest])
    for name, frames in (("differs", differs), ("audible", heard), ("audible_outside_rests", sounding)):
        if len(frames) > 0:
            ms = 1000 * frames / RATE
            result |= {f"{name}_ms_p50": float(np.median(ms)), f"{name}_ms_p95": float(np.quantile(ms, 0.95)),
                       f"{name}_ms_max": float(ms.max()), f"{name}_frames_max": int(frames.max())}  # fmt: skip
    return {name: round(value, 2) for name, value in result.items()}


def exactness(found: list[Found]) -> dict:
    """Of changes sent ahead of time: how many differ first at the very frame that was asked for, or where silence ends after it,
    and how far off the others are."""
    differ = [one for one in found if one.differs is not None]
    off = [one.differs - one.silent if one.differs > 0 else one.differs for one in differ]
    return {"changes": len(found), "differ": len(off), "exact": off.count(0),
            "after_silence": sum(one.silent > 0 for one in differ), "frames_early_max": max(-min(off, default=0), 0),
            "frames_late_max": max(max(off, default=0), 0)}  # fmt: skip


def misses(found: list[Found]) -> str:
    """The changes that were not audible, a line each."""
    lines = [f"{one.change.path} {one.change.value} at {FROM_S + one.change.block * BLOCK / RATE:.2f} s of performance "
             f"{one.performance}{' (a rest)' if one.rest else ''}: {'differs' if one.differs is not None else 'no frame differs'}"
             for one in found if one.audible is None]  # fmt: skip
    return "\n".join(["not heard:", *lines]) if lines else "all heard"


def table(by_row: dict[str, list[Found]], by_frame: dict[str, list[Found]]) -> str:
    """A Markdown table of all rows."""
    lines = ["| row | heard | differs: p50, p95, max ms | audible: p50, p95, max ms | and not in a rest | at the frame asked for |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for path, found in by_row.items():
        sums = figures(found)
        cells = [", ".join(f"{sums[f'{name}_ms_{part}']:.1f}" for part in ("p50", "p95", "max") if f"{name}_ms_p50" in sums)
                 for name in ("differs", "audible", "audible_outside_rests")]  # fmt: skip
        exact = exactness(by_frame[path]) if by_frame.get(path) else None
        off = f"{exact['exact']} of {exact['differ']}, else up to {exact['frames_late_max']} later" if exact else ""
        lines.append(f"| {path} | {sums['heard']} of {sums['changes']} | {cells[0]} | {cells[1]} | {cells[2]} | {off} |")
    return "\n".join(lines)


def picture(by_row: dict[str, list[Found]], place: Path) -> None:
    """Every change of every row as a dot: when it first differs, when it is audible; crosses are misses."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(10, 1 + 0.22 * len(by_row)))
    for line, found in enumerate(by_row.values()):
        for name, colour, low in (("differs", "tab:blue", 0.15), ("audible", "tab:red", -0.15)):
            ms = [1000 * getattr(one, name) / RATE for one in found if getattr(one, name) is not None]
            axes.plot(ms, [line + low] * len(ms), ".", color=colour, alpha=0.5, markersize=4)
        missed = sum(one.audible is None for one in found)
        if missed:
            axes.text(1000 * RUN_S + 5, line, f"{missed} missed", fontsize=6, va="center")
    axes.set_yticks(range(len(by_row)), by_row, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(-5, 1000 * RUN_S + 60)
    axes.set_xlabel("ms after the change: first frame that differs (blue), by when it is audible (red)")
    axes.grid(axis="x", alpha=0.3)
    figure.tight_layout()
    figure.savefig(place, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=lambda text: text.split(","), help="of these rows alone")
    parser.add_argument("--changes", type=int, default=30, help="of each row")
    parser.add_argument("--prompts", type=int, default=10, help="performances that they are spread over")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--clips", type=Path, default=audible.clip_paths()[0].parent, help="folder of recordings")
    parser.add_argument("--out", type=Path, help="folder for heard.md and heard.png")
    parser.add_argument("--quick", action="store_true", help="six changes of each row in two performances")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no records")
    args = parser.parse_args()
    if args.quick:
        args.changes, args.prompts = 6, 2
    for path in args.rows or ():
        REGISTRY.resolve(path)
    sounds = [clips.read(path) for path in audible.clip_paths(args.clips)]
    calibration = audible.calibrate(sounds)
    note(f"audible: {calibration}")
    found = performances(args, calibration.thresholds_db)
    at_once = {row.path: [one for one in found if one.change.path == row.path and one.change.later is None] for row in rows()}
    ahead = {row.path: [one for one in found if one.change.path == row.path and one.change.later is not None] for row in rows()}
    at_once = {path: some for path, some in at_once.items() if some}
    settings = {"changes": args.changes, "performances": args.prompts, "seed": args.seed, "bundle": args.bundle, "blocksize": BLOCK,
                "lead_frames": round(DEFAULT_LEAD_S * RATE), "hop_frames": HOP, "within_s": RUN_S,
                "thresholds_db": calibration.thresholds_db, "false_alarms": calibration.false_alarms,
                "held_out_runs": calibration.held_out_runs}  # fmt: skip
    keep = {"settings": settings, "write": not args.dry_run, "unit": "ms"}
    clock = "device clock at which the change was applied, to the frame heard; the wait for a callback and the device left out"
    for path, some in at_once.items():
        record("heard", path, figures(some), clock=clock, **keep)
    kinds = {"step rows": "step", "block rows": "block", "rows that wait for a line of the grid": "line"}
    for name, kind in kinds.items():
        rows_of = {path: many for path, many in at_once.items()
                   if ("line" if path in ON_A_LINE else REGISTRY.resolve(path).target) == kind}  # fmt: skip
        some = [one for many in rows_of.values() for one in many]
        always = sum(all(one.audible is not None for one in many) for many in rows_of.values())
        if some:
            record("heard", f"all {name}", figures(some) | {"rows": len(rows_of), "rows_heard_always": always}, clock=clock, **keep)
    if any(ahead.values()):
        some = [one for many in ahead.values() for one in many]
        record("heard", "block rows at a frame", exactness(some), unit="frames", settings=settings, write=not args.dry_run,
               clock="frame that was asked for, to the first that differs")  # fmt: skip
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        missed = misses([one for some in at_once.values() for one in some])
        (args.out / "heard.md").write_text(f"{table(at_once, ahead)}\n\n{missed}\n", encoding="utf-8")
        picture(at_once, args.out / "heard.png")
    note(table(at_once, ahead))
    return 0 if all(any(one.audible is not None for one in many) for many in at_once.values()) else 1  # a row that is never heard


if __name__ == "__main__":
    sys.exit(main())
