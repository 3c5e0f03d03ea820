"""A recipe, run: every stage in order, each line a command of this package, what is done is not done again.

    antiphon train run RECIPE --data DATA --work WORK [--stage NAME ...] [--again]
    antiphon train prepare|fit|prune|quantise|export RECIPE ...     # only the stages of that phase

A recipe (hum.toml) names its stages; `run` of a stage lists lines such as "codec --render WORK/render --out WORK/codec.pt
--minutes 47": a module of `antiphon.train` and its options, DATA and WORK standing for the folders. `phase` of a stage is one
of PHASES, "fit" where it says nothing. What each line took (minutes, core-minutes, joules, on what) goes to WORK/cost.json, its
output to WORK/logs/. A line that was interrupted is begun again; the trainers go on from their checkpoints. Losses are drawn
to WORK/logs/STAGE.png. On a terminal a bar shows how far a line with --minutes is.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import re
import resource
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from ..errors import UsageError, did_you_mean

WATTS_A_CORE = 10.0
"""For the estimate of energy where the machine has no counter: a server's socket over its cores, roughly."""
_MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "20000000000", "MALLOC_TOP_PAD_": "500000000"}
"""Without these torch spends its time in page faults."""
PACKAGE = f"{__package__}."
PHASES = ("prepare", "fit", "prune", "quantise", "export", "evaluate", "card")
_RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


def read_recipe(path: Path) -> dict:
    """Read a recipe. Raises UsageError with one line where it is unreadable, or its stages are no lists of commands."""
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"recipe {path}: can't be read ({error})") from None
    stages = recipe.get("stages")
    named = isinstance(stages, list) and all(isinstance(stage, dict) and isinstance(stage.get("name"), str) for stage in stages)
    if not named or not stages:
        raise UsageError(f"recipe {path}: no [[stages]], each with a name and a list `run`")
    for stage in stages:
        lines, what = stage.get("run"), f"recipe {path}: stage {stage['name']!r}"
        if not isinstance(lines, list) or not all(isinstance(line, str) and line.strip() for line in lines):
            raise UsageError(f"{what}: `run` must be a list of lines such as \"codec --minutes 47\"")
        if stage.get("phase", "fit") not in PHASES:
            raise UsageError(f"{what}: no phase {stage['phase']!r}; it must be one of {', '.join(PHASES)}")
        if not re.fullmatch(r"[\w-]+", stage["name"]):
            raise UsageError(f"{what}: a name must be letters, digits, - and _; its log is called by it")
        for line in lines:
            try:
                module = shlex.split(line)[0]
            except (ValueError, IndexError) as error:
                raise UsageError(f"{what}: {line!r} is no line of words ({error})") from None
            if not re.fullmatch(r"\w+", module) or not (Path(__file__).parent / f"{module}.py").is_file():
                raise UsageError(f"{what}: antiphon.train has no {module!r}")
    return recipe


def choose(recipe: dict, only: list[str] = (), phase: str = "run") -> list[dict]:
    """The stages of a recipe named in `only` (all where empty) and of a phase (all for "run"); UsageError where there is none."""
    names = [stage["name"] for stage in recipe["stages"]]
    for name in only:
        if name not in names:
            raise UsageError(f"no stage {name!r} in the recipe{did_you_mean(name, names)}; it has {', '.join(names)}")
    asked = [stage for stage in recipe["stages"] if not only or stage["name"] in only]
    chosen = [stage for stage in asked if phase in ("run", stage.get("phase", "fit"))]
    if not chosen:
        among, phases = ", ".join(stage["name"] for stage in asked), dict.fromkeys(stage.get("phase", "fit") for stage in asked)
        raise UsageError(f"no stage of phase {phase!r} among {among}; there is {', '.join(phases)}")
    return chosen


def run(recipe_path: Path, data: Path, work: Path, only: list[str] = (), again: bool = False, phase: str = "run") -> dict:
    """Run the stages of a recipe that are not done yet; returns what every line has cost so far.

    `only` names stages and `phase` a phase, as for `choose`; `again` runs them even where they are done. Raises UsageError for
    an unknown stage or a line that fails, with the end of what it said; KeyboardInterrupt goes through, and what was done stays.
    """
    stages = choose(read_recipe(recipe_path), only, phase)
    (work / "logs").mkdir(parents=True, exist_ok=True)
    record, cost = work / "cost.json", {}
    for stage in stages:
        log = work / "logs" / f"{stage['name']}.log"
        for line in stage["run"]:
            cost = _read_cost(record)
            if line in cost and cost[line]["done"] and not again:
                print(f"{stage['name']}: done before: {line}", flush=True)
                continue
            print(f"{stage['name']}: {line}", flush=True)
            spent, stopped = _run_line(line, data, work, log)
            cost = _read_cost(record)  # anew: another stage may have run beside this one
            before = cost.get(line, {}) if not again else {}
            sums = {key: round(spent[key] + before.get(key, 0.0), 3) for key in ("minutes", "core_minutes", "joules")}
            cost[line] = {"stage": stage["name"], **spent, **sums}
            partial = record.with_suffix(".part")
            partial.write_text(json.dumps(cost, indent=1), encoding="utf-8")
            partial.replace(record)
            draw(log, log.with_suffix(".png"))
            if stopped is not None:
                raise stopped
            if not spent["done"]:
                raise UsageError(f"stage {stage['name']!r} failed; the end of {log} says why")
    return cost


def _read_cost(record: Path) -> dict:
    try:
        cost = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    except ValueError as error:
        raise UsageError(f"{record}: no record of what was done ({error}); move it away, and all is run again") from None
    return cost if isinstance(cost, dict) else {}


def _run_line(line: str, data: Path, work: Path, log: Path) -> tuple[dict, BaseException | None]:
    """Run one line; returns what it took, and what interrupted it, None where nothing did."""
    folders = {"DATA": str(data), "WORK": str(work)}
    words = [re.sub(r"^(DATA|WORK)\b", lambda found: folders[found[1]], word) for word in shlex.split(line)]
    command = [sys.executable, "-m", f"{PACKAGE}{words[0]}", *words[1:]]
    minutes = _minutes(words)
    bar = minutes > 0 and sys.stdout.isatty()
    stopped = None
    began, cores, joules = time.monotonic(), _children_s(), _joules()
    with open(log, "a", encoding="utf-8") as out:
        out.write(f"$ {line}\n")
        environment = {**_MALLOC, **os.environ}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        try:
            for said in child.stdout:
                out.write(said)
                print(f"{_WIPE * bar}  {said}", end="", flush=True)
                if bar and (point := _POINT.search(said)):
                    print(_bar(float(point[1]), minutes), end="", flush=True)
        except BaseException as error:
            stopped = error
            child.terminate()
        code = child.wait()
        print(_WIPE * bar, end="", flush=True)
    core_s = _children_s() - cores
    after = _joules()
    measured = joules is not None and after is not None and after >= joules
    return {"done": code == 0 and stopped is None, "minutes": (time.monotonic() - began) / 60, "core_minutes": core_s / 60,
            "joules": after - joules if measured else core_s * WATTS_A_CORE,
            "energy": "measured by RAPL, the whole socket" if measured else f"estimated: {WATTS_A_CORE:g} W a busy core",
            "machine": machine()}, stopped  # fmt: skip


_WIPE = "\r\x1b[K"
_BAR = 40
_CARDS = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")


def _minutes(words: list[str]) -> float:
    """What a line was given for --minutes; 0 where it was not."""
    given = [word for before, word in zip(words, words[1:], strict=False) if before == "--minutes"]
    try:
        return float(given[-1]) if given else 0.0
    except ValueError:
        return 0.0


def _bar(done: float, minutes: float) -> str:
    share = min(done / minutes, 1.0)
    filled = int(_BAR * share)
    return f"  [{'#' * filled}{'.' * (_BAR - filled)}] {100 * share:3.0f} %  {done:.1f} of {minutes:g} min"


@functools.cache
def machine() -> str:
    """What this runs on: processor, cores, and the accelerator where there is one."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    try:
        asked = subprocess.run(_CARDS, capture_output=True, text=True, timeout=20)
        cards = [card.strip() for card in asked.stdout.splitlines() if card.strip() and not asked.returncode]
    except (OSError, subprocess.TimeoutExpired):
        cards = []
    processor = found[1].strip() if found else platform.machine()
    return ", ".join([processor, f"{os.cpu_count()} cores", *(f"{card} (its energy not counted)" for card in cards)])


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _joules() -> float | None:
    try:
        return int(_RAPL.read_text()) / 1e6
    except (OSError, ValueError):
        return None


_POINT = re.compile(r"(?:^|\s)(\d+(?:\.\d+)?) min\b(.*)")
_VALUE = re.compile(r"([a-z][a-z-]*) (-?\d+(?:\.\d+)?)(?=\s|$)")


def draw(log: Path, picture: Path) -> bool:
    """Draw the losses that a trainer printed ("12.5 min  train 3.1  held-out 3.4"), one line each.

    False where there are none, or no matplotlib.
    """
    series: dict[str, list[tuple[float, float]]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        if point := _POINT.search(line):
            for name, value in _VALUE.findall(point[2]):
                series.setdefault(name, []).append((float(point[1]), float(value)))
    series = {name: points for name, points in series.items() if len(points) > 2 and len({value for _, value in points}) > 1}
    if not series:
        return False
    try:
        import matplotlib
    except ModuleNotFoundError:  # a picture less is no reason to stop
        return False
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(series), 1, figsize=(8, 2.2 * len(series)), sharex=True, layout="constrained", squeeze=False)
    for axis, (name, points) in zip(axes[:, 0], series.items(), strict=True):
        axis.plot(*zip(*points, strict=True), linewidth=1)
        axis.set_ylabel(name)
    axes[-1, 0].set_xlabel("minutes")
    figure.savefig(picture, dpi=80)
    plt.close(figure)
    return True


def main(arguments: list[str] | None = None, phase: str = "run") -> int:
    parser = argparse.ArgumentParser(prog=f"antiphon train {phase}", description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a .toml such as engine/antiphon/train/hum.toml")
    parser.add_argument("--data", type=Path, required=True, help="folder with seeds/ and melodies/")
    parser.add_argument("--work", type=Path, required=True, help="folder for clips, checkpoints, graphs, logs")
    parser.add_argument("--stage", action="append", default=[], metavar="NAME", help="only this stage; may be given several times")
    parser.add_argument("--again", action="store_true", help="even where it is done")
    options = parser.parse_args(arguments)
    cost = run(options.recipe, options.data, options.work, options.stage, options.again, phase)
    minutes, joules = (sum(line[key] for line in cost.values()) for key in ("core_minutes", "joules"))
    energy = ", ".join(sorted({line["energy"] for line in cost.values()}))
    print(f"{len(cost)} lines, {minutes:.0f} core-minutes, {joules / 3.6e6:.3f} kWh ({energy})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
