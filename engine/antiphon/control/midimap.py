"""Which MIDI controller steers which row: the notation of it, the table's defaults, and how far a knob is turned.

    cc74  cc1+33  nrpn300  bend  pressure  note60  pc  pc5     any of them on one channel alone: 1:cc74

cc1+33 is a pair for 14 bits, coarse first; pc is the number of the program, pc5 that the fifth (counted from 0) is chosen.
What they steer is a row's path, or a path and one value of it that a press sets: recall=3, mode=hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError
from ..params.spec import Param, Registry, Value

PRESET = "preset"  # the row that takes a program change, by the place in the list of presets
_FORM = re.compile(
    r"(?:(?P<channel>\d{1,2}):)?"
    r"(?:cc(?P<coarse>\d{1,3})\+(?P<fine>\d{1,3})|(?P<word>bend|pressure|pc)|(?P<kind>cc|nrpn|note|pc)(?P<number>\d{1,5}))",
    re.ASCII,
)
_MOST = {"cc": 127, "nrpn": 16_383, "note": 127, "program": 127}
_RELATED = {"pc": "program"}  # a program by its number is something else than its number
Kind = Literal["cc", "pair", "nrpn", "bend", "pressure", "note", "pc", "program"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One thing on a controller that moves. `channel` 1 to 16, 0 for any; `fine` is a pair's second controller."""

    kind: Kind
    number: int = 0
    fine: int = 0
    channel: int = 0

    def __str__(self) -> str:
        name = {"pair": f"cc{self.number}+{self.fine}", "program": f"pc{self.number}"}.get(
            self.kind, self.kind if self.kind in ("bend", "pressure", "pc") else f"{self.kind}{self.number}"
        )
        return f"{self.channel}:{name}" if self.channel else name

    @property
    def most(self) -> int:
        """Its highest value."""
        return 16_383 if self.kind in ("pair", "nrpn", "bend") else 127


def parse(text: str) -> Binding:
    """Read a binding as `str` writes it; raises UsageError."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        forms = "cc74, cc1+33, nrpn300, bend, pressure, note60, pc or pc5, and 1:cc74 for channel 1 alone"
        raise UsageError(f"MIDI {text[:40]!r}: write {forms}")
    channel = int(found["channel"] or 0)
    if found["channel"] and not 1 <= channel <= 16:
        raise UsageError(f"MIDI {text!r}: channels are 1 to 16")
    if found["word"]:
        return Binding(found["word"], channel=channel)
    if found["coarse"]:
        coarse, fine = int(found["coarse"]), int(found["fine"])
        if coarse > 119 or fine > 119 or coarse == fine:
            raise UsageError(f"MIDI {text!r}: a pair is of two controllers of 0 to 119, as in cc1+33")
        return Binding("pair", coarse, fine, channel)
    kind, number = _RELATED.get(found["kind"], found["kind"]), int(found["number"])
    if number > _MOST[kind]:
        raise UsageError(f"MIDI {text!r}: its number is 0 to {_MOST[kind]}")
    return Binding(kind, number, channel=channel)


@dataclass(frozen=True, slots=True)
class Target:
    """What a binding steers: a row, or one value of it."""

    row: Param
    value: Value | None = None

    def __str__(self) -> str:
        return self.row.path if self.value is None else f"{self.row.path}={self.row.show(self.value)}"


def turn(raw: int, most: int) -> float:
    """Give 0 .. 1 for 0 .. most, so that the middle (64 of 127) is 0.5 and both ends are reached."""
    half = (most + 1) // 2
    return raw / (2 * half) if raw <= half else 0.5 + (raw - half) / (2 * (most - half))


def turned(place: float, most: int) -> int:
    """Give 0 .. most for 0 .. 1: the inverse of `turn`."""
    half = (most + 1) // 2
    place = min(max(place, 0.0), 1.0)
    return round(place * 2 * half) if place <= 0.5 else half + round((place - 0.5) * 2 * (most - half))


class MidiMap:
    """All bindings. Control thread only.

    It begins with the table's own, and program changes for presets. `table` is what has been changed, as a preset's
    [midi] keeps it: {"cc74": "brightness", "1:note36": "recall=1", "cc64": ""}; empty is nothing.
    """

    def __init__(self, registry: Registry):
        self.registry = registry
        self._defaults: dict[Binding, Target] = {}
        for row in registry.rows:
            if row.midi:
                self._defaults[parse(row.midi)] = Target(row)
        self.targets = dict(self._defaults)
        self._index()

    @property
    def mapping(self) -> dict[str, str]:
        """All of it: {binding: path or path=value}."""
        return {str(binding): str(target) for binding, target in self.targets.items()}

    def of(self, kind: Kind, number: int, channel: int) -> tuple[Binding, Target] | None:
        """Find what a message on a channel (1 to 16) steers; a binding to the channel comes before one to any."""
        for where in (channel, 0):
            binding = Binding(kind, number, channel=where)
            if (target := self.targets.get(binding)) is not None:
                return binding, target
        return None

    def pair(self, number: int, channel: int) -> tuple[Binding, Target] | None:
        """Find the pair of which this controller is one half."""
        for where in (channel, 0):
            if (binding := self._halves.get((where, number))) is not None:
                return binding, self.targets[binding]
        return None

    def bind(self, binding: str | Binding, target: str) -> str:
        """Let a binding steer a row, one value of it, or with "" nothing. Gives the line that says so; raises UsageError.

        A controller that was half of a pair leaves it, and the pair then steers nothing.
        """
        binding = parse(binding) if isinstance(binding, str) else binding
        after = self.read(binding, target) if target else None
        left = [binding, *(pair for pair in self.targets if after and _has_half(pair, binding))]
        before = [target for target in (self.targets.pop(one, None) for one in left) if target and target != after]
        if after:
            self.targets[binding] = after
        self._index()
        instead = f", not {', '.join(map(str, before))}" if before else ""
        return f"MIDI {binding} steers {after or 'nothing'} now{instead}"

    def read(self, binding: Binding, target: str) -> Target:
        """Read what is written for a target, and check that this binding can steer it; raises UsageError."""
        path, equals, text = target.partition("=")
        row = self.registry.resolve(path.strip())
        if equals:
            value = row.parse(text)
            return Target(row, value)
        if row.kind == "list" or (row.kind == "text" and not (binding.kind == "pc" and row.path == PRESET)):
            raise UsageError(f"MIDI {binding}: {row.path} is a {row.kind}; a press can set one of its values, as {row.path}=VALUE")
        if row.numbered and binding.kind in ("note", "program", "bend", "pressure", "nrpn", "pair"):
            raise UsageError(f"MIDI {binding}: {row.path} wants to know which; write {row.path}=1")
        if binding.kind == "pc" and not (row.numbered or row.kind == "text"):
            raise UsageError(f"MIDI pc: the number of a program cannot steer {row.path}; pc5 can")
        return Target(row)

    def forget(self, path: str) -> list[str]:
        """Take away whatever steers a row; gives the bindings that did."""
        gone = [binding for binding, target in self.targets.items() if target.row.path == path]
        for binding in gone:
            del self.targets[binding]
        self._index()
        return [str(binding) for binding in gone]

    @property
    def table(self) -> dict[str, str]:
        """What is otherwise than by default, for a preset's [midi]."""
        both = dict.fromkeys([*self._defaults, *self.targets])
        return {
            str(binding): str(self.targets.get(binding, ""))
            for binding in both
            if self.targets.get(binding) != self._defaults.get(binding)
        }

    def check(self, table: Mapping[str, object]) -> dict[Binding, Target]:
        """Read a preset's [midi] and give all bindings as they would be; raises UsageError and changes nothing."""
        targets = dict(self._defaults)
        if len(table) > 1000:
            raise UsageError(f"[midi] has {len(table)} lines; at most 1000 are taken")
        for text, target in table.items():
            binding = parse(text)
            if not isinstance(target, str):
                raise UsageError(f"[midi] {text}: write the path of a row, not {target!r:.40}")
            targets.pop(binding, None)
            if target:
                targets[binding] = self.read(binding, target)
        return targets

    def load(self, table: Mapping[str, object]) -> None:
        """Take a preset's [midi]: the defaults, changed by it. Raises UsageError and changes nothing where it is wrong."""
        self.targets = self.check(table)
        self._index()

    def _index(self) -> None:
        self._halves = {
            (binding.channel, number): binding
            for binding in self.targets
            if binding.kind == "pair"
            for number in (binding.number, binding.fine)
        }


def _has_half(pair: Binding, binding: Binding) -> bool:
    """Whether a binding is of one of the two controllers of a pair, on a channel of the pair's."""
    halves = pair.kind == "pair" and binding.kind == "cc" and binding.number in (pair.number, pair.fine)
    return halves and (pair.channel == binding.channel or 0 in (pair.channel, binding.channel))
