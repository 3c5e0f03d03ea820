"""Fine-tune one network of a bundle on a user's material; what a stage of `antiphon train adapt` runs.

    python -m antiphon.train.finetune decoder --work WORK --minutes 15 [--seed 0] [--device cuda]

WORK is the folder that `adapt` laid out. There is nothing of what the bundle was trained on at the user's place, so that it does
not forget: rates are a tenth of the trainers', every step pulls the weights back to where they began (L2-SP, Li et al. 2018),
the decoder rehearses (`rehearsal`), and what is kept is the state that was best on the watched side; when that has not become
better for a third of the time, it stops. The held-out side is looked at once, at the end, by the exported INT8 graphs. On Ctrl-C
it saves, and goes on from there when called again.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import sys
import time
from pathlib import Path

import torch

from ..errors import AntiphonError, UsageError
from ..model.bundle import Bundle
from .codec import save
from .lessons import LESSONS, Lesson

PULL = 2.0
"""How much of their distance from where they began the weights lose in a step, as a multiple of the rate."""
LOOKS, COST = 18, 0.15
"""Looks at the watched side in the time there is, and what share of it they may take."""
PATIENCE, LEAST_LOOKS = 1 / 3, 4
"""Share of the time without a better look, and looks, after which it ends."""
_WARM_UP, _FALL = 20, 0.3
_INTERRUPTED = 130


def fit(lesson: Lesson, path: Path, minutes: float, stopped=lambda: False) -> dict:
    """Learn until the minutes are over, the watched side says that is enough, or `stopped()`; at least one step.

    Goes on from the checkpoint at `path`, where there is one; at the end the network is as it was when it was best. Raises
    UsageError where a loss is no number.
    """
    start = [p.detach().clone() for p in lesson.net.parameters()]
    optimiser = torch.optim.AdamW(lesson.net.parameters(), lr=lesson.rate, betas=(0.9, 0.98), weight_decay=0.0)
    first = lesson.watched()
    state = {"step": 0, "minutes": 0.0, "looking": 0.0, "best": first, "best_at": 0.0, "since": 0, "looked": 0}
    state["kept"] = copy.deepcopy(lesson.net.state_dict())
    if path.exists():
        saved = torch.load(path, map_location="cpu")
        lesson.net.load_state_dict(saved.pop("net"))
        optimiser.load_state_dict(saved.pop("optimiser"))
        state = saved
    began, said = time.monotonic() - 60 * state["minutes"], ""

    def now() -> float:
        return (time.monotonic() - began) / 60

    def look() -> None:
        before, watched = now(), lesson.watched()
        state.update(since=state["since"] + 1, looked=state["step"])
        if watched < state["best"]:
            state.update(best=watched, best_at=before, since=0, kept=copy.deepcopy(lesson.net.state_dict()))
        print(f"{state['step']} {min(before, minutes):.2f} min  {said} watched {watched:.3f}", flush=True)
        state["looking"] += now() - before
        keep()

    def keep() -> None:
        save(path, net=lesson.net.state_dict(), optimiser=optimiser.state_dict(), **state)

    due, early = state["minutes"] + minutes / LOOKS, False
    while state["step"] == 0 or state["minutes"] < minutes:
        early = state["since"] >= LEAST_LOOKS and state["minutes"] - state["best_at"] > PATIENCE * minutes
        if early:
            break
        if state["step"] and stopped():
            keep()
            return {"steps": state["step"]}
        share = state["minutes"] / minutes
        falling = 1.0 if share < _FALL else max(0.05, (1 - share) / (1 - _FALL))
        for group in optimiser.param_groups:
            group["lr"] = rate = lesson.rate * min(1.0, (state["step"] + 1) / _WARM_UP) * falling
        lesson.net.train()
        losses = lesson.losses(state["step"])
        loss = sum(losses.values())
        if not math.isfinite(loss.item()):
            raise UsageError(f"{path.stem}: the loss is no number after {state['step']} steps; is there noise in the recordings?")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(lesson.net.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            for weight, was in zip(lesson.net.parameters(), start, strict=True):
                weight.lerp_(was, min(1.0, rate * PULL))
        state["step"] += 1
        state["minutes"] = now()
        said = " ".join(f"{name} {value.item():.3f}" for name, value in losses.items())
        if state["minutes"] >= due and state["looking"] <= COST * state["minutes"]:
            look()
            due = now() + minutes / LOOKS
    if state["looked"] < state["step"]:
        look()
    lesson.net.load_state_dict(state["kept"])
    return {"steps": state["step"], "minutes": round(state["minutes"], 3), "watched_before": first, "watched_best": state["best"],
            "stopped_early": early}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon.train.finetune", description=__doc__.splitlines()[0])
    parser.add_argument("lesson", choices=LESSONS)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--minutes", required=True, type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args(arguments)
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _: asked.append(which))
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    try:
        require_device(options.device)
        bundle = Bundle.open(json.loads((options.work / "material.json").read_text())["bundle_folder"])
        lesson = LESSONS[options.lesson](bundle, options.work, options.seed, options.device)
        path = options.work / f"{options.lesson}.pt"
        print(f"{sum(p.numel() for p in lesson.net.parameters()) / 1e6:.2f}M parameters, from step {_steps(path)}", flush=True)
        with torch.device(options.device):
            learned = fit(lesson, path, options.minutes, lambda: bool(asked))
        if asked:
            print(f"stopped after {learned['steps']} steps; they are kept", flush=True)
            return _INTERRUPTED
        lesson.net.to("cpu")
        figures = {**lesson.judge(options.work / "export"), **learned}
    except AntiphonError as error:
        print(f"antiphon: {error}", flush=True)
        return error.exit_code
    # Where the first state stayed the best, rounding alone must not make it look better.
    figures["better"] = bool(figures["after"] < figures["before"] and learned["watched_best"] < learned["watched_before"])
    (options.work / f"{options.lesson}.json").write_text(json.dumps(figures, indent=1))
    print(f"{figures['what']}: {figures['before']:.3f} before, {figures['after']:.3f} after", flush=True)
    return 0


def _steps(path: Path) -> int:
    return torch.load(path)["step"] if path.exists() else 0


def require_device(device: str) -> None:
    """Raise UsageError where torch has no such device."""
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no CUDA device here; leave --device out")


if __name__ == "__main__":
    sys.exit(main())
