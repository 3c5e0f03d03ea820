"""What an engine does so that what it makes can be known again: its mark's key and payload, its takes, what answers are nearest to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .answers import Attributing, attributed
from .config import EngineConfig
from .layout import Segment
from .provenance import keys, usage, voices, works
from .provenance.attribution import Attribution
from .provenance.claim import UNTRAINED
from .provenance.mark import Payload
from .provenance.person import NOT_TOLD
from .takes import Takes, of_bundle, sign

_PAYLOAD_S = 86_400.0  # how long the mark says the same where no take is recorded


class Proof:
    """One per engine. `carry` hands numbers to whoever marks; `about` and `look` are what takes ask of the engine; `say` takes a line
    that the performer should see."""

    def __init__(self, config: EngineConfig, carry: Callable[[int, int], None], about: Callable[[], dict], look: Callable, say: Callable[[str], None]):
        """Raises UsageError where a take is wanted in a folder that is not free."""
        self._config, self._hand_over, self._about, self._say = config, carry, about, say
        self.key = keys.current()
        if self.key.note:
            say(self.key.note)
        for line in (*voices.read()[1], *works.read()[1]):  # who is in a register counts on it
            say(line)
        self._of_bundle = of_bundle(config.bundle)
        self._live, self._begun = config.driver != "freewheel", False
        self.carry(config.payload or (Payload.now() if self._live else Payload(0)))
        self.attribution: Attribution | None = None
        """What the last answer was nearest to."""
        self.attributed = 0
        self._attributing: Attributing | None = None
        self._voice_told = 0
        self.takes = Takes(self.carry, self._tell, look, say, config.person, sign)
        if config.take:
            self.takes.want(config.take)

    @property
    def person(self) -> str:
        """Who performs, by name; empty where nobody said."""
        name = (self._config.person or {}).get("performer", "")
        return "" if name == NOT_TOLD else name

    def carry(self, payload: Payload) -> None:
        """Mark what is generated from now on with this."""
        self.payload, self._until = payload, time.monotonic() + _PAYLOAD_S
        self._hand_over(payload.take, payload.minute)
        self._note()

    def begin(self, segment: Segment, states: Path | None) -> None:
        """An engine has this segment now: a take that was wanted begins. `states` is where the model process leaves things."""
        if not self._begun:
            self._begun = True
            self._note()
        self.takes.bind(segment, states)
        if self._attributing is None and states and self._config.bundle not in UNTRAINED:
            self._attributing = Attributing(self._config.bundle, states, self._told)

    def watch(self, status: dict[str, float]) -> None:
        """Look at the model's status, many times a second: what the performer must be told, what is to be renewed."""
        key = int(status["voice_match"])
        if key and key != self._voice_told:
            owner = voices.name_of(key) or "somebody"
            self._say(f"this sounds like the voice of {owner}, which is protected: answering in a stored voice")
        self._voice_told = key
        # A performance that goes on for months says in its mark on what day a sound was made, to whoever finds it.
        if time.monotonic() > self._until and not self.takes.running:
            self.carry(Payload.now())

    def hear(self, chain) -> None:
        """Attribute the answers that a chain in this process has ended."""
        telling = getattr(chain, "telling", None)
        while telling and telling.ended:
            self._told(attributed(self._config.bundle, telling.ended.pop(0)))

    def hear_last(self, chain) -> None:
        """Attribute what a chain in this process still plays, too: it is asked for nothing more."""
        if hasattr(chain, "telling"):
            chain.telling.end()
        self.hear(chain)

    def end(self) -> None:
        """The performance is over: what was answered is attributed, and a take that runs is written to its end and signed."""
        if self._attributing:
            self._attributing.stop()
        self.takes.close("stopped")

    def _note(self) -> None:
        """The owner's log has what each mark that was heard was of."""
        if self._live and self._begun:
            usage.note("mark", payload=self.payload.hex, bundle=self._config.bundle)

    def _tell(self) -> dict:
        return {**self._of_bundle, **self._about(), "key": self.key.id}

    def _told(self, attribution: Attribution) -> None:
        self.attribution = attribution
        self.attributed += 1
        self.takes.answered(attribution.as_json())
