"""Receipts made by hand: figures whose noise comes in bursts, as on a machine on which others work, too."""

import json

import numpy as np

from antiphon.suite.figures import Goal, events, goals_of, listed, places, summary

MACHINE = {
    "cpu": "Test CPU",
    "cores": 2,
    "governors": [],
    "kernel": "6.1",
    "system": "Test",
    "virtual": None,
    "memory_mb": 8192,
    "load": 0.5,
    "realtime": True,
    "rtprio": 95,
    "memlock_mb": -1,
    "python": "3.11.7",
    "onnxruntime": None,
    "providers": [],
}
HEAD = {
    "kind": "receipt",
    "version": 1,
    "time": "2026-01-02T03:04:05Z",
    "commit": "0123456789abcdef",
    "dirty": False,
    "antiphon": "0.1.0",
    "machine": MACHINE,
    "bundle": {"name": "hum", "version": "1", "sha256": "ab" * 32},
    "quick": True,
    "command": ["antiphon", "bench"],
}
END = {"kind": "end", "seconds": 12.5, "interrupted": False}


def bursty(random, count=3000, middle=100.0, factor=1.0, bursts=1.5, start=0.01):
    """Durations: a spread of 20 %, another start's 1 %, and now and then a burst in which all takes several times as long."""
    values = middle * factor * np.exp(0.2 * random.standard_normal(count) + start * random.standard_normal())
    at = np.arange(count) / count
    for _ in range(random.poisson(bursts)):
        begin = random.random()
        values[(at >= begin) & (at < begin + random.exponential(0.03))] *= 1 + random.exponential(4)
    return values


def figure(name, values, *, bench="b", unit="us", control=None, goal=None, better="less", settings=None):
    line = {
        "kind": "figure",
        "bench": bench,
        "name": name,
        "unit": unit,
        **summary(np.asarray(values)),
        "clock": "from here to there",
        "means": "",
        "settings": settings or {},
        "control": control,
        "better": better,
    }
    return line | {"goals": goals_of(goal, line), "events": events(np.asarray(values))}


def in_runs(random, chances, runs, mean):
    """Where it happened: about so many runs, so long in the mean, anywhere."""
    late = np.zeros(chances, bool)
    for _ in range(random.poisson(runs)):
        at = random.integers(chances)
        late[at : at + random.geometric(1 / mean)] = True
    return np.flatnonzero(late)


def tally(name, happened, chances, *, bench="b", unit="steps", control=None, goal=None, better="less", where=None):
    line = {
        "kind": "tally",
        "bench": bench,
        "name": name,
        "unit": unit,
        "happened": happened,
        "chances": chances,
        "share": happened / chances,
        "clock": "",
        "means": "",
        "settings": {},
        "control": control,
        "better": better,
    }
    told = {} if where is None else {"events": places(where, happened, chances, length=unit == "s")}
    return line | {"goals": goals_of(goal, line)} | told


def nothing(name, goal, *, bench="b", why="no event: nobody played"):
    """A figure without events, as a run tells it."""
    return {"kind": "skip", "bench": bench, "name": name, "why": why, "unit": "ms", "goals": [one.missed(name) for one in listed(goal)]}


def value(name, number, *, bench="b", unit="frames", better="same", control=None):
    return {
        "kind": "value",
        "bench": bench,
        "name": name,
        "unit": unit,
        "value": number,
        "clock": "",
        "means": "",
        "settings": {},
        "control": control,
        "better": better,
        "goals": [],
    }


def text(*lines, head=HEAD, end=END):
    return "".join(json.dumps(line) + "\n" for line in (head, *lines, *([end] if end else [])))


def rich(random):
    """One of everything a receipt may hold, with names that would break a page that does not escape them."""
    goal = [Goal("p99", "<=", 400.0, "a wish"), Goal("max", "<=", 1.0, "cannot be")]
    steps = 4 + random.random(3000)
    return [
        {"kind": "bench", "bench": "b", "title": 'How long <b>"&it takes.', "means": "First `x < y` part.\n\nSecond part."},
        figure("empty", bursty(random, middle=1.0)),
        figure('full <b>"&', bursty(random), control="empty", goal=goal),
        figure("around zero", random.standard_normal(400), unit="frames", better="same"),
        figure("far around zero", random.standard_normal(2000) * 10 ** random.uniform(0, 5, 2000), unit="frames", better="same"),
        figure("levels", random.normal(-18, 2, 2000), unit="dB", better="same"),
        figure("always the same", [640.0] * 60, unit="frames"),
        figure("two", [1.5, 2.5], unit="s"),
        figure("with zeros", np.r_[np.zeros(50), random.random(500)], unit="ms"),
        tally("late", 3, 3000, goal=Goal("happened", "==", 0, "none")),
        tally("drop outs", 1, 600.5, unit="s"),
        value("the sum", 640),
        {
            "kind": "timeline",
            "bench": "b",
            "name": "steps",
            "unit": "ms",
            "t_s": (np.arange(3000) / 50).tolist(),
            "values": steps.tolist(),
            "marks": [[1.0, "late <i>"], [30.5, "late"]],
        },
        {
            "kind": "waterfall",
            "bench": "b",
            "name": "you to it",
            "terms": [["block", 128], ["hop & lead", 960.5]],
            "samplerate": 48000,
            "measured_frames": 1090.25,
            "clock": "here",
        },
        {"kind": "skip", "bench": "b", "name": "GPU", "why": "there is none <here>"},
        {"kind": "done", "bench": "b", "seconds": 1.5, "rc": 0},
    ]
