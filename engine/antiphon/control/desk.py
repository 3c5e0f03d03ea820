"""Where all control surfaces meet: one way in for changes, and one way for everybody to hear of them.

    OSC, OSCQuery, MIDI, keys, presets, words --emit--> Desk --apply--> engine (block and step rows)
                                                         | --handler--> control rows (preset, ask, tap, sync, ...)
                                                         ` --heard----> every watcher: subscribers, LISTENers, MIDI learn
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import UsageError
from ..events import Event
from ..params.spec import Registry, Value

Apply = Callable[[Event], None]


class Desk:
    """Takes every event of every surface. Control thread only; costs microseconds, never waits.

    `apply` is the engine's. `values` are what all rows are set to, kept by the engine. `frame_at` turns a Unix time
    into the device frame that is due then, None before the clock runs; `log` takes a line that a person should see.
    """

    def __init__(
        self,
        registry: Registry,
        apply: Apply,
        values: Mapping[str, Value],
        frame_at: Callable[[float], int | None] = lambda unix_s: None,
        log: Callable[[str], None] = lambda line: None,
    ):
        self.registry, self.values, self.frame_at, self.log = registry, values, frame_at, log
        self._apply = apply
        self._handlers: dict[str, list[Apply]] = {}
        self._watchers: list[Apply] = []

    def emit(self, event: Event) -> None:
        """Take an accepted event: the engine's rows to the engine, then to the row's handlers, then tell all who watch.

        Raises UsageError where it cannot be obeyed (a trigger before the model plays, words that say nothing known).
        """
        row = self.registry.resolve(event.path)
        if row.target == "control" and event.path not in self._handlers and row.access == "w":
            raise UsageError(f"{event.path}: nothing here takes it")
        self._apply(event)
        for handler in self._handlers.get(event.path, ()):
            handler(event)
        for heard in tuple(self._watchers):
            heard(event)

    def handle(self, path: str, handler: Apply) -> None:
        """Let `handler` act on events of this row, after the engine has them. It may emit further events."""
        self.registry.resolve(path)
        self._handlers.setdefault(path, []).append(handler)

    def watch(self, heard: Apply) -> Callable[[], None]:
        """Call `heard` with every event that was taken; returns what ends that. It must not raise and must not emit."""
        self._watchers.append(heard)
        return lambda: self._watchers.remove(heard) if heard in self._watchers else None
