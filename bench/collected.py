"""What control_to_sound tells of messages: delays with their jitter, and of how many nothing came."""

from __future__ import annotations

import numpy as np

from antiphon.suite import Goal, Run
from controls import Delays

LEAST_FOR_JITTER = 3
GOES_OUT = "to the moment the first frame that differs goes out"
HEARD = "to the moment by which an ear can tell"


class Collected:
    """Delays in ms and counts of messages, told by name as figures and tallies."""

    def __init__(self, run: Run):
        self._run = run

    def figure(
        self, name: str, delays: list[float], clock: str, goal=(), control: str | None = None, none: str = "", **settings
    ) -> None:
        """Tell a figure and its jitter."""
        self._run.figure(name, delays, unit="ms", clock=clock, goal=goal, control=control, settings=settings, none=none)
        if len(delays) < LEAST_FOR_JITTER:
            return
        spread = float(np.quantile(delays, 0.99) - np.quantile(delays, 0.01))
        self._run.value(f"{name}: jitter", spread, unit="ms", clock=f"p99 - p1 of {name}", better="same", settings=settings)

    def of_block(self, name: str, found: Delays, clock: str, goal, control: str | None = None, **settings) -> None:
        """Tell what came of messages to the callback, and of how many nothing did."""
        chances = found.looked_at + found.stood + found.unsettled
        self.apart(name, (found.stood, found.unsettled), chances)
        none = f"{found.stood + found.unsettled} of {chances} messages told apart, {len(found.without)} without an effect"
        self.figure(name, found.first_ms, clock + GOES_OUT, goal, control, none, **settings)
        self.figure(f"{name}, heard", found.heard_ms, clock + HEARD, none=none, **settings)
        self._run.tally(
            f"{name}: no effect",
            len(found.without),
            found.looked_at,
            unit="messages",
            clock=clock + "to the next",
            settings=settings,
            means="messages that the sound shows nothing of before the next came; those told apart are left out",
            goal=Goal("happened", "==", 0, "no message is lost, nor so late that the next comes before"),
            where=found.without,
        )
        self._run.tally(
            f"{name}: not heard",
            found.unheard,
            len(found.first_ms),
            unit="messages",
            clock=clock + "to the next",
            settings=settings,
            means="differences that an ear does not tell before the next message: small ones, or in a tone that masks them",
        )

    def apart(self, name: str, why: tuple[int, int], chances: int) -> None:
        self._run.tally(
            f"{name}: told apart",
            sum(why),
            chances,
            unit="messages",
            clock="until the frame goes out",
            means=f"{why[0]}: the machine held the clock up, as it could not a card's; {why[1]}: the sound before had not settled",
        )

    def none(self, name: str, missing: list[bool], clock: str, means: str, control: str | None = None) -> None:
        """Tell of how many messages something that must be there is missing."""
        self._run.tally(
            name,
            sum(missing),
            len(missing),
            unit="messages",
            clock=clock,
            means=means,
            control=control,
            goal=Goal("happened", "==", 0, "no message is lost"),
            where=np.flatnonzero(missing),
        )

    def echoed(self, name: str, echoes: list[float | None]) -> None:
        clock = "a packet given to the socket, until a fifth of a second after the last"
        means = "messages that the instrument does not say it has taken"
        self.none(f"{name}: no echo", [back is None for back in echoes], clock, means, "bare UDP echo: lost")
