"""Runs benchmark files, each in a process of its own, and keeps what they tell: the receipt grows line by line."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ..errors import UsageError
from .catalogue import Benchmark

_ENDS_WITHIN_S = 30.0
"""What an interrupted benchmark has, to end in order: a soak writes its figures then."""
_LAST_WORDS = 12
_MISUSED = 2  # exit code of a benchmark that was given what it cannot use


class Runner:
    """Runs benchmarks into one receipt. `say` takes lines for a person, `progress` the number of the benchmark and 0 .. 1 of it.

    One thread; Ctrl-C ends the benchmark that runs, in order, and what is done stays.
    """

    def __init__(self, path: Path, say: Callable[[str], None], progress: Callable[[int, str, float], None]):
        self.path, self._say, self._progress = path, say, progress
        self.failed: list[str] = []
        self.interrupted = False
        self._told = 0  # lines that benchmarks have told

    def run(self, benchmarks: list[Benchmark], *, head: dict, arguments: dict[str, list[str]]) -> bool:
        """Run them in turn, each with its `arguments`; False, and no receipt, where the only one told nothing: it has said why.

        Raises UsageError where the receipt can't be written.
        """
        began = time.monotonic()
        with self._new_file() as file:
            self._put(file, head)
            for number, benchmark in enumerate(benchmarks):
                self._one(file, number, benchmark, arguments.get(benchmark.name, []))
                if self.interrupted:
                    break
            self._put(file, {"kind": "end", "seconds": round(time.monotonic() - began, 1), "interrupted": self.interrupted})
        if self._told or self.interrupted or len(benchmarks) > 1:
            return True
        self.path.unlink()
        return False

    def _new_file(self) -> TextIO:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return open(self.path, "x", encoding="utf-8")
        except FileExistsError:
            raise UsageError(f"{self.path}: is there already; a receipt replaces nothing, name another with -o") from None
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written ({error.strerror}); name another with -o") from None

    def _one(self, file: TextIO, number: int, benchmark: Benchmark, flags: list[str]) -> None:
        """Run one: its lines into the receipt, its other words to the person."""
        self._progress(number, benchmark.name, 0.0)
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(benchmark.path), *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=_environment(), process_group=0,
        )  # fmt: skip
        words: list[str] = []
        listener = threading.Thread(target=self._listen, args=(process.stderr, words), daemon=True)
        listener.start()
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # By a thread: Ctrl-C in the middle of a reading would lose what was read.
        threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
        try:
            self._keep(file, number, lines)
            code = process.wait()
        except KeyboardInterrupt:
            self.interrupted = True
            code = self._end(file, number, process, lines)
        finally:
            _kill_group(process)
        listener.join(5)
        if code and not self.interrupted:
            self.failed.append(benchmark.name)
            why = (words or [f"exit code {code}"])[-1]
            self._put(file, {"kind": "skip", "bench": benchmark.name, "name": "", "why": f"broke off: {why}"})
            if code != _MISUSED:  # then it has said so itself
                self._say(f"{benchmark.name}: broke off ({why})")
        self._put(file, {"kind": "done", "bench": benchmark.name, "seconds": round(time.monotonic() - began, 1), "rc": code})

    def _keep(self, file: TextIO, number: int, lines: queue.SimpleQueue) -> None:
        while (text := lines.get()) is not None:
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            if not isinstance(line, dict) or "kind" not in line:
                self._say(text.rstrip())
            elif line["kind"] == "progress":
                self._progress(number, line["bench"], line["done"])
            else:
                self._told += 1
                self._put(file, line)

    def _end(self, file: TextIO, number: int, process: subprocess.Popen, lines: queue.SimpleQueue) -> int:
        """Have it end in order; a second Ctrl-C, or half a minute, ends it at once."""
        self._say("ending; what is done is kept (Ctrl-C again: at once)")
        process.send_signal(signal.SIGINT)
        killer = threading.Timer(_ENDS_WITHIN_S, process.kill)
        killer.start()
        try:
            self._keep(file, number, lines)
            return process.wait()
        except KeyboardInterrupt:
            process.kill()
            return process.wait()
        finally:
            killer.cancel()

    def _listen(self, stream: TextIO, words: list[str]) -> None:
        for text in stream:
            if text.strip() and not self.interrupted:  # one that still imports then knows no better than a traceback
                words.append(text.strip())
                del words[:-_LAST_WORDS]
                self._say(text.rstrip())

    def _put(self, file: TextIO, line: dict) -> None:
        try:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written any more ({error.strerror}); what was written stays") from None


def _read(stream: TextIO, lines: queue.SimpleQueue) -> None:
    for text in stream:
        lines.put(text)
    lines.put(None)


def _environment() -> dict[str, str]:
    """The package that runs is the one that is measured, also where another one is installed."""
    here = str(Path(__file__).resolve().parents[2])
    others = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": here + (os.pathsep + others if others else ""), "PYTHONUNBUFFERED": "1"}


def _kill_group(process: subprocess.Popen) -> None:
    """End whatever a benchmark has left running, and itself."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
