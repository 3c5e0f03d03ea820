"""Which benchmarks the suite has, in the order in which they run, and where their files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, did_you_mean

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Benchmark:
    """A file of the suite: its name, what it tells in a few words, and about how long it takes, quick and in full."""

    name: str
    tells: str
    quick_s: float
    full_s: float
    by_name_only: bool = False

    @property
    def path(self) -> Path:
        return folder() / f"{self.name}.py"


CATALOGUE = (
    Benchmark("callback", "how long the audio callback takes and how evenly it comes, beside an empty one and one in Python", 15, 2600),
    Benchmark("round_trip", "frames through the device and back, beside the latency sum", 7, 60),
    Benchmark("mic_to_reply", "from a changed frame at the microphone to the first frame of the answer that differs", 9, 280),
    Benchmark("trigger_to_voice", "from a trigger to the first frame of the voice", 5, 180),
    Benchmark("yield_to_silence", "from the performer's return to the voice's silence", 8, 160),
    Benchmark("control_to_sound", "from a packet or a knob to the first frame that differs, and that is heard to differ", 16, 300),
    Benchmark("step", "what a hop of the model costs, stage by stage, and how many are in time", 12, 400),
    Benchmark("kernels", "ring and resampler beside those of others, quality beside speed", 6, 60),
    Benchmark("three_clocks", "compute, queue and audible time in one long answer", 11, 1830),
    Benchmark("cold_start", "from the command to the first sound", 5, 60),
    Benchmark("energy", "joules for a second of music", 1, 60),
    Benchmark("beside", "what others do on the same device: an empty callback, Python's, python-rtmixer, SuperCollider", 13, 250),
    Benchmark("soak", "hours of it, with faults on purpose", 190, 190, by_name_only=True),
)
NAMES = tuple(benchmark.name for benchmark in CATALOGUE)


def folder() -> Path:
    """Where the files lie: in the package of an installed wheel, beside the engine in a checkout."""
    inside = _PACKAGE / "bench"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "bench"


def chosen(names: list[str]) -> list[Benchmark]:
    """Benchmarks by name, in the order given, each once; all but those that want to be named, for none.

    Raises UsageError for a name that there is not.
    """
    if not names:
        return [benchmark for benchmark in CATALOGUE if not benchmark.by_name_only]
    known = {benchmark.name: benchmark for benchmark in CATALOGUE}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, NAMES) or f"; there is {', '.join(NAMES)}"
            raise UsageError(f"bench: no benchmark {name!r}{hint}")
    return [known[name] for name in dict.fromkeys(names)]
