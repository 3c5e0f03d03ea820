"""Who had the model's core? A watcher that says when the model was ready to run and was not let, and what ran instead.

    python bench/culprits.py --of PID --root PID

The kernel counts for every thread how long it ran and how long it waited for a core (/proc/PID/task/TID/schedstat). A process of
real-time rank waits only for others of such rank; so each millisecond the watcher looks how long the threads of the process --of
have waited, and every five how long each thread of at least their rank has run. Where one waited for a millisecond or more, those
that ran for at least half of it are the culprits. If any of them is ours, it was us: the engine's process, the model's, the
device's (all that runs `python -m antiphon`, and --root itself). Else, if any was started by --root, it was one of the benchmark's
own helpers: the sound server, the probe, the control. Else it was another program. Where nobody ran there is no culprit.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator

OURS, HELPER, OTHER, NOBODY = "ours", "helper", "other", "nobody"
SLEEP_S = 1e-3
LEAST_S = 1e-3
_SNAPSHOT_EVERY, _LIST_EVERY = 5, 4  # looks
_SNAPSHOTS = 40
_FIRST_LOOKS = 150  # in which every look lists a process
_KNOWN_LOOKS = 1000  # after which all are known that were there
_LONG_S = 5e-3  # to be worth looking through all processes at once


def text(path: str) -> str:
    """A file of the kernel's, "" where it is gone."""
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def of_stat(stat: str, number: int) -> int:
    """A field of /proc/PID/stat by the number in proc(5), from the third on: the name before may hold blanks; 0 where it is
    gone."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[number - 3]) if len(fields) > number - 3 else 0


def whose(pid: int, root: int) -> str:
    """OURS, HELPER or OTHER: what a process is to the benchmark `root`."""
    if pid == root:
        return OURS
    command, above = text(f"/proc/{pid}/cmdline").split("\0"), pid
    while above > 1:
        above = of_stat(text(f"/proc/{above}/stat"), 4)
        if above == root:
            module = command[command.index("-m") + 1] if "-m" in command[:-1] else ""
            return OURS if module.partition(".")[0] == "antiphon" else HELPER
    return OTHER


class Thread:
    """One of real-time rank: whose it is, its name, and how long it ran and waited, in seconds."""

    def __init__(self, pid: int, tid: int, root: int):
        self.pid, self.tid, self.whose = pid, tid, whose(pid, root)
        words = text(f"/proc/{pid}/cmdline").split("\0")
        command = [word for word in words if word.endswith(".py") or word.startswith("antiphon.")]
        name = text(f"/proc/{pid}/task/{tid}/comm").strip() or "?"
        self.name = f"{name} {os.path.basename(command[0])}" if command else name
        self._file = os.open(f"/proc/{pid}/task/{tid}/schedstat", os.O_RDONLY)

    def counts(self) -> tuple[float, float]:
        """Raises OSError or IndexError where it has ended, or nobody counts."""
        ran, waited = os.pread(self._file, 96, 0).split()[:2]
        return 1e-9 * int(ran), 1e-9 * int(waited)

    def close(self) -> None:
        os.close(self._file)


def rank(tid: int) -> int:
    """The real-time priority of a thread; 0 for an ordinary one, and one that has ended."""
    try:
        return os.sched_getparam(tid).sched_priority if os.sched_getscheduler(tid) & 3 in (os.SCHED_FIFO, os.SCHED_RR) else 0
    except OSError:
        return 0


def processes() -> Iterator[int]:
    """All of them, over and over."""
    while True:
        yield from [int(name) for name in os.listdir("/proc") if name.isdigit()]


class Watch:
    """What the threads of `pid` waited for: `spans` of (begin, end, whose, name), time.monotonic(), and `cores`, (from when, which
    core its first thread was on)."""

    def __init__(self, pid: int, root: int):
        self.spans: list[tuple[float, float, str, str]] = []
        self.cores: list[tuple[float, int]] = []
        self._pid, self._root, self._looks = pid, root, 0
        self._threads: dict[int, Thread] = {}
        self._model: dict[int, Thread] = {}
        self._waited: dict[int, float] = {}
        self._snapshots: deque[tuple[float, dict[int, float]]] = deque(maxlen=_SNAPSHOTS)
        self._processes = processes()

    def look(self) -> None:
        """Once a millisecond."""
        if self._looks % 500 == 0:
            self._list(self._pid)
        if self._looks < _FIRST_LOOKS or self._looks % _LIST_EVERY == 0:
            self._list(next(self._processes))
        if self._looks % _SNAPSHOT_EVERY == 0:
            self._snapshots.append((time.monotonic(), {tid: ran for tid, (ran, _) in self._all(self._threads)}))
            core = of_stat(text(f"/proc/{self._pid}/task/{self._pid}/stat"), 39)
            if not self.cores or self.cores[-1][1] != core:
                self.cores.append((time.monotonic(), core))
        self._looks += 1
        for tid, (_, total_s) in self._all(self._model):
            now, waited_s = time.monotonic(), total_s - self._waited.get(tid, total_s)
            self._waited[tid] = total_s
            if waited_s > LEAST_S and rank(tid):  # an ordinary one waits for everybody
                self.spans.append((now - waited_s, now, *self._culprit(tid, now - waited_s, waited_s)))

    def _list(self, pid: int) -> None:
        """Take in the threads of real-time rank that a process has; of the one that is watched, all."""
        try:
            tids = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
        except OSError:
            return
        for tid in tids:
            wanted = [known for known, is_one in ((self._threads, rank(tid) > 0), (self._model, pid == self._pid)) if is_one]
            for known in wanted:
                try:
                    if tid not in known and tid != os.getpid():
                        known[tid] = Thread(pid, tid, self._root)
                except OSError:  # it has just ended, or nobody counts
                    pass

    def _all(self, threads: dict[int, Thread]) -> list[tuple[int, tuple[float, float]]]:
        counts = []
        for tid, thread in list(threads.items()):
            try:
                counts.append((tid, thread.counts()))
            except (OSError, IndexError, ValueError):  # it has ended
                threads.pop(tid).close()
        return counts

    def _culprit(self, waiting: int, since: float, waited_s: float) -> tuple[str, str]:
        found = self._who_ran(waiting, since, waited_s)
        if found[0] == NOBODY and waited_s >= _LONG_S and self._looks > _KNOWN_LOOKS:  # somebody who has begun just now?
            for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
                self._list(pid)
            found = self._who_ran(waiting, since, waited_s)
        return found

    def _who_ran(self, waiting: int, since: float, waited_s: float) -> tuple[str, str]:
        oldest = self._snapshots[0][1] if self._snapshots else {}
        before = next((ran for at, ran in reversed(self._snapshots) if at <= since), oldest)
        least, new = rank(waiting), self._looks > _KNOWN_LOOKS  # who was not known then, but is now, has begun since
        ran = [(now_s - before.get(tid, 0.0), self._threads[tid]) for tid, (now_s, _) in self._all(self._threads)
               if tid != waiting and (new or tid in before)]  # fmt: skip
        ran = sorted((each for each in ran if each[0] >= waited_s / 2 and rank(each[1].tid) >= least), key=lambda each: -each[0])
        for kind in (OURS, HELPER, OTHER):
            for _, thread in ran:
                if thread.whose == kind:
                    return kind, thread.name
        return NOBODY, ""


def watch(over, pid: int, root: int) -> Watch:
    """Look until told."""
    watching = Watch(pid, root)
    while not over.is_set():
        watching.look()
        time.sleep(SLEEP_S)
    return watching
