"""How many joules a second of music costs, over what the machine takes for doing nothing, where its processor counts them.

On battery, and for an installation that runs for months, this is what the instrument costs to keep. In turns of some seconds
the machine does nothing, plays (the chain listens and answers by turns, a hop every 20 ms, as in play), and only counts, as
long as a step takes and as often: the control. A second of music is a second of playing, heard or answered, so J/s of music are
watts.

Clock: the processor's own energy counters (RAPL, /sys/class/powercap), read at both ends of each slice of a quarter of a
second; each is an event. `added by playing` is a slice's power less the median of the turn of doing nothing before it.

What it cannot tell: the counters are of a whole socket (and its memory, where that is counted), with whatever else runs on it;
screen, sound card, fans and the mains adapter are not in them. An engine's callback is not in it either: it takes microseconds
a block (see `callback`).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import control
from antiphon.latency import HOP, MODEL_RATE
from antiphon.model.bundle import Bundle
from antiphon.suite import Run, main
from antiphon.worker_main import request_realtime
from networks import Variant
from phrase import phrase
from stages import Player, play_turn, warm_up

POWERCAP = "/sys/class/powercap"
SLICE_S = 0.25
OF_COUNTERS = "the processor's energy counters (RAPL) and perf_counter, both at each end of the slice"
KINDS = ("idle", "playing", "counting")


@dataclass(frozen=True)
class Counter:
    """One energy counter: microjoules that wrap around after `range_uj`."""

    folder: Path
    name: str
    range_uj: int

    def read_uj(self) -> int:
        return int((self.folder / "energy_uj").read_text())

    def since_uj(self, before_uj: int, now_uj: int) -> int:
        """What was used between two readings, at most one turn of the counter apart."""
        return now_uj - before_uj if now_uj >= before_uj else now_uj - before_uj + self.range_uj


class NoCounters(Exception):
    """Energy cannot be read here; str() says why, and what to do."""


def counters(root: Path) -> list[Counter]:
    """The counters of all sockets, and of the memory of each where that is counted apart. Raises NoCounters.

    Parts of a socket (its cores, its graphics) are in the socket's already; psys is taken where there is no socket.
    """
    zones = [path for path in sorted(root.glob("intel-rapl:*")) if (path / "energy_uj").exists()] if root.is_dir() else []
    if not zones:
        raise NoCounters(f"no energy counters (RAPL) in {root}: a virtual machine or another kind of processor hides them, or the "
                         "module is not loaded: sudo modprobe intel_rapl_common intel_rapl_msr")  # fmt: skip
    named = [(path, _text(path / "name")) for path in zones]
    chosen = [zone for zone in named if zone[1].startswith("package")] or [zone for zone in named if zone[1] == "psys"]
    sockets = {path.name for path, _ in chosen}
    chosen += [(path, name) for path, name in named if name == "dram" and path.name.rpartition(":")[0] in sockets]
    if not chosen:
        raise NoCounters(f"energy counters in {root} are of no socket: {', '.join(name for _, name in named)}")
    found = []
    for path, name in chosen:
        try:
            counter = Counter(path, name, int(_text(path / "max_energy_range_uj") or 0) or 1 << 32)
            counter.read_uj()
        except PermissionError:
            raise NoCounters(f"{path}/energy_uj is for root alone: sudo chmod a+r {root}/intel-rapl:*/energy_uj") from None
        except (OSError, ValueError) as error:
            raise NoCounters(f"{path}/energy_uj cannot be read ({error})") from None
        found.append(counter)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


class Meter:
    """Reads all counters at the ends of slices of a quarter of a second; whoever works calls `look` often."""

    def __init__(self, found: list[Counter]):
        self._counters = found
        self.watts: list[float] = []
        self._begin()

    def _begin(self) -> None:
        self._at_s, self._before = time.perf_counter(), [counter.read_uj() for counter in self._counters]

    def begin(self) -> None:
        """Begin a turn."""
        self.watts = []
        self._begin()

    def look(self) -> None:
        """End a slice if it is over."""
        if time.perf_counter() - self._at_s < SLICE_S:
            return
        at_s, before = self._at_s, self._before
        self._begin()
        used = sum(counter.since_uj(*pair) for counter, *pair in zip(self._counters, before, self._before, strict=True))
        self.watts.append(1e-6 * used / (self._at_s - at_s))


def options(parser) -> None:
    parser.add_argument("--powercap", metavar="FOLDER", default=POWERCAP, help=f"where the counters are (default: {POWERCAP})")
    parser.add_argument("--turn", metavar="S", type=float, help="seconds of each turn (default: 5, quick 1)")


def measure(run: Run) -> None:
    try:
        found = counters(Path(run.options.powercap))
    except NoCounters as missing:
        run.skip("", str(missing))
        return
    turn_s = run.options.turn or (1.0 if run.quick else 5.0)
    rounds = max(1, round(run.length(3.0, 60.0) / (3 * turn_s)))
    hop_s = HOP / MODEL_RATE
    hops = max(2, round(turn_s / hop_s))
    request_realtime()
    heard = phrase(None, MODEL_RATE).astype(np.float32)
    player, meter = Player(Variant("INT8", Bundle.open(run.bundle)), run.seed), Meter(found)
    warm_up(player, heard)
    watts: dict[str, list[float]] = {kind: [] for kind in KINDS}
    added: dict[str, list[float]] = {"playing": [], "counting": []}
    for turn in range(rounds):
        idle(turn_s, meter)
        watts["idle"] += meter.watts
        still = float(np.median(meter.watts)) if meter.watts else None
        meter.begin()
        work_s = 1e-9 * float(np.mean([hop.whole_ns for hop in play_turn(player, turn, heard, hops, hop_s, run.seed, meter.look)]))
        _keep(watts, added, "playing", meter.watts, still)
        count(turn_s, work_s, meter)
        _keep(watts, added, "counting", meter.watts, still)
        run.progress((turn + 1) / rounds)
    if not all(watts.values()):
        run.skip("", f"turns of {turn_s:g} s are too short for slices of {SLICE_S:g} s: give more with --turn")
        return
    names = [f"{counter.folder.name} ({counter.name})" for counter in found]
    settings = {"counters": names, "turn_s": turn_s, "cores": os.cpu_count()}
    for kind, means, beside in (
        ("idle", "the machine with nothing of ours to do, and whatever else it does", None),
        ("playing", "the same with a hop of the model every 20 ms, listening and answering by turns", "counting"),
        ("counting", "the same with plain Python counting as long and as often: what being awake costs", None),
    ):
        run.figure(kind, watts[kind], unit="J/s", clock=OF_COUNTERS, means=means, settings=settings, control=beside)
    run.figure("added by playing", added["playing"], unit="J/s", clock=OF_COUNTERS, settings=settings, control="added by counting",
               means="joules for a second of music, over doing nothing just before")  # fmt: skip
    run.figure("added by counting", added["counting"], unit="J/s", clock=OF_COUNTERS, settings=settings,
               means="the control of the above")  # fmt: skip


def _keep(watts: dict, added: dict, kind: str, found: list[float], still: float | None) -> None:
    watts[kind] += found
    if still is not None:
        added[kind] += [one - still for one in found]


def idle(seconds: float, meter: Meter) -> None:
    """Begin a turn, and do nothing but look at the counters when a slice is over."""
    meter.begin()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        time.sleep(SLICE_S / 4)
        meter.look()


def count(seconds: float, work_s: float, meter: Meter) -> None:
    """Begin a turn, and only count, as long and as often as steps are made."""
    turns = control.turns_for(work_s)  # counts for a moment: before the first slice
    meter.begin()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        control.count_at_cadence(SLICE_S / 4, work_s, turns)
        meter.look()


if __name__ == "__main__":
    main(measure, __doc__, options)
