"""A recipe, run: every stage in order, each line a command of this package, what is done is not done again.

    antiphon train run RECIPE --data DATA --work WORK [--stage NAME ...] [--again]

A recipe (hum.toml) names its stages; `run` of a stage lists lines such as "codec --render WORK/render --out WORK/codec.pt
--minutes 47": a module of `antiphon.train` and its options, DATA and WORK standing for the folders. What each line took (minutes,
core-minutes, joules) goes to WORK/cost.json, its output to WORK/logs/. A line that was interrupted is begun again;
the trainers go on from their checkpoints. Losses are drawn to WORK/logs/STAGE.png.
"""

from __future__ import annotations

import argparse
import json
import os
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
_RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


def read_recipe(path: Path) -> dict:
    """Read a recipe. Raises UsageError with one line where it is unreadable, or its stages are no lists of commands."""
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"recipe {path}: can't be read ({error})") from None
    stages = recipe.get("stages")
    if not isinstance(stages, list) or not stages or not all(isinstance(s, dict) and isinstance(s.get("name"), str) for s in stages):
        raise UsageError(f"recipe {path}: no [[stages]], each with a name and a list `run`")
    for stage in stages:
        lines = stage.get("run")
        if not isinstance(lines, list) or not all(isinstance(line, str) and line.strip() for line in lines):
            raise UsageError(f"recipe {path}: stage {stage['name']!r}: `run` must be a list of lines such as \"codec --minutes 47\"")
        for line in lines:
            if not (Path(__file__).parent / f"{line.split()[0]}.py").is_file():
                raise UsageError(f"recipe {path}: stage {stage['name']!r}: antiphon.train has no {line.split()[0]!r}")
    return recipe


def run(recipe_path: Path, data: Path, work: Path, only: list[str] = (), again: bool = False) -> dict:
    """Run the stages of a recipe that are not done yet; returns what every line has cost so far.

    `only` names stages (all of them where empty); `again` runs them even where they are done. Raises UsageError for
    an unknown stage or a line that fails, with the end of what it said; KeyboardInterrupt goes through, and what was done stays.
    """
    recipe = read_recipe(recipe_path)
    names = [stage["name"] for stage in recipe["stages"]]
    for name in only:
        if name not in names:
            raise UsageError(f"recipe {recipe_path}: no stage {name!r}{did_you_mean(name, names)}; it has {', '.join(names)}")
    (work / "logs").mkdir(parents=True, exist_ok=True)
    record = work / "cost.json"
    cost = json.loads(record.read_text()) if record.is_file() else {}
    for stage in recipe["stages"]:
        if only and stage["name"] not in only:
            continue
        for line in stage["run"]:
            if line in cost and cost[line]["done"] and not again:
                print(f"{stage['name']}: done before: {line}", flush=True)
                continue
            print(f"{stage['name']}: {line}", flush=True)
            spent = _run_line(line, data, work, work / "logs" / f"{stage['name']}.log")
            before = cost.get(line, {}) if not again else {}
            cost[line] = {"stage": stage["name"], "done": spent.pop("done"),
                          **{key: round(value + before.get(key, 0.0), 3) for key, value in spent.items() if key != "energy"}, "energy": spent["energy"]}
            record.write_text(json.dumps(cost, indent=1))
            draw(work / "logs" / f"{stage['name']}.log", work / "logs" / f"{stage['name']}.png")
            if not cost[line]["done"]:
                raise UsageError(f"stage {stage['name']!r} failed; the end of {work / 'logs' / stage['name']}.log says why")
    return cost


def _run_line(line: str, data: Path, work: Path, log: Path) -> dict:
    words = [word.replace("DATA", str(data), 1) if re.match(r"DATA\b", word) else word.replace("WORK", str(work), 1) if re.match(r"WORK\b", word)
             else word for word in shlex.split(line)]
    command = [sys.executable, "-m", f"{PACKAGE}{words[0]}", *words[1:]]
    began, cores, joules = time.monotonic(), _children_s(), _joules()
    with open(log, "a", encoding="utf-8") as out:
        out.write(f"$ {line}\n")
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**_MALLOC, **os.environ})
        try:
            for said in child.stdout:
                out.write(said)
                print("  " + said, end="", flush=True)
            code = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
    core_s = _children_s() - cores
    after = _joules()
    measured = joules is not None and after is not None and after >= joules
    return {"done": code == 0, "minutes": (time.monotonic() - began) / 60, "core_minutes": core_s / 60,
            "joules": after - joules if measured else core_s * WATTS_A_CORE,
            "energy": "measured by RAPL, the whole socket" if measured else f"estimated: {WATTS_A_CORE:g} W a busy core"}  # fmt: skip


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
    """Draw the losses that a trainer printed ("12.5 min  train 3.1  held-out 3.4"), one line each; False where there are none, or no matplotlib."""
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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon train run", description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a .toml such as engine/antiphon/train/hum.toml")
    parser.add_argument("--data", type=Path, required=True, help="folder with seeds/ and melodies/")
    parser.add_argument("--work", type=Path, required=True, help="folder for clips, checkpoints, graphs, logs")
    parser.add_argument("--stage", action="append", default=[], metavar="NAME", help="only this stage; may be given several times")
    parser.add_argument("--again", action="store_true", help="even where it is done")
    options = parser.parse_args(arguments)
    cost = run(options.recipe, options.data, options.work, options.stage, options.again)
    minutes, joules = (sum(line[key] for line in cost.values()) for key in ("core_minutes", "joules"))
    print(f"{len(cost)} lines, {minutes:.0f} core-minutes, {joules / 3.6e6:.3f} kWh ({', '.join(sorted({line['energy'] for line in cost.values()}))})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
