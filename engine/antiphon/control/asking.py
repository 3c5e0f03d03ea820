"""Asking in words while it plays: `/antiphon/ask "slower, a bit darker"`."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import AntiphonError
from ..events import Event
from ..params.words import must_understand
from .desk import Desk
from .pace import Pace

_MOST_PER_S = 20


class Asking:
    """Obeys the events of the row `ask`: emits one event for each row that the words mean. Control thread only; milliseconds.

    `answer` is given the event that asked and the lines that say what was understood, so that whoever asked can be told;
    by default they go to the desk's log.
    """

    def __init__(self, desk: Desk, answer: Callable[[Event, list[str]], None] | None = None):
        self._desk = desk
        self._answer = answer or (lambda event, lines: [desk.log(line) for line in lines])
        self._pace = Pace(_MOST_PER_S, "askings")
        desk.handle("ask", self._asked)

    def _asked(self, event: Event) -> None:
        """Raises UsageError where nothing was understood, with what was near it; then nothing has changed."""
        self._pace.take()
        asked = must_understand(str(event.value), self._desk.registry, self._desk.values)
        lines = asked.lines()
        for path, value in asked.values.items():
            try:
                self._desk.emit(Event(path, value, event.time_frame, f"ask:{event.source}"))
            except AntiphonError as error:
                lines.append(f"{path}: {error}")
        self._answer(event, lines)
