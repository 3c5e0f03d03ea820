"""What a row of the parameter table is, and the table of them.

A value is checked here and nowhere else: OSC, presets, the command line and whatever comes later all call
`Registry.accept` (typed values) or `Registry.parse` (text a person wrote).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError, nearest
from ..units import OFF_DB

Value = float | int | bool | str

_WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


class UnknownParam(UsageError):
    """No row has this path; `nearest` holds what may have been meant."""

    def __init__(self, path: str, near: list[str]):
        self.path, self.nearest = path, near
        hint = f"did you mean {' or '.join(near)}?" if near else "`antiphon params` lists them all"
        super().__init__(f"no parameter {path!r}; {hint}")


class RefusedValue(UsageError):
    """The row exists and will not take this value."""


@dataclass(frozen=True, slots=True)
class Param:
    """One control.

    `kind` says what a value is: float, int, bool, enum (one of `choices`, spoken as a word, carried as its index) or
    trigger (something that happens; carried as a count, so that two presses in one step are two).
    `target` says who acts on it: the audio callback (block), the model at its next step (step), or Python (control).
    `beyond` says what becomes of a number outside minimum..maximum. `curve` is for faders: linear, or exp where equal
    movements should be equal ratios. `smoothing_s` is the ramp of a block target. `access` is rw, or w for triggers.
    `midi` is the controller that steers it by default, empty for none.
    """

    path: str
    kind: Literal["float", "int", "bool", "enum", "trigger"]
    help: str
    target: Literal["block", "step", "control"]
    default: Value = 0.0
    minimum: float = 0.0
    maximum: float = 1.0
    unit: str = ""
    curve: Literal["linear", "exp"] = "linear"
    choices: tuple[str, ...] = ()
    smoothing_s: float = 0.0
    beyond: Literal["clip", "refuse"] = "clip"
    access: Literal["rw", "w"] = "rw"
    midi: str = ""

    @property
    def has_off(self) -> bool:
        """Whether the word `off` is a value: a gain's lowest point is silence."""
        return self.unit == "dB" and self.minimum <= OFF_DB

    def accept(self, value: object) -> Value:
        """Give the value this row takes from a typed one; raise RefusedValue with one line if there is none.

        A number may stand for a bool (not 0 is true) and its index for an enum's word, since Pd and Max send only
        floats; so may the words on and off for a bool, and off for a gain. NaN and infinities are refused always. A
        trigger takes anything; False and 0, which a button sends when it is let go, mean that nothing happens.
        """
        if self.kind == "trigger":
            return value is None or isinstance(value, str | bytes) or not _is_zero(value)
        if self.kind == "enum":
            return self._accept_choice(value)
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind == "bool" and isinstance(value, str) and value in ("on", "off"):
            return value == "on"
        if value == "off" and self.has_off:
            return self.minimum
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refuse(value)
        try:
            number = float(value)
        except OverflowError:
            raise self._refuse(value) from None
        if not math.isfinite(number):
            raise self._refuse(value)
        if self.kind == "bool":
            return number != 0
        if self.kind == "int" and number != math.floor(number):
            raise self._refuse(value)
        if not self.minimum <= number <= self.maximum:
            if self.beyond == "refuse":
                raise self._refuse(value)
            number = min(max(number, self.minimum), self.maximum)
        return int(number) if self.kind == "int" else number

    def parse(self, text: str) -> Value:
        """Read a value that a person wrote: `-6`, `-6dB`, `8 s`, `on`, `hold`; `off` is a gain's lowest point."""
        return self.accept(self.read(text))

    def read(self, text: str) -> Value:
        """Give what a person wrote as `accept` takes it."""
        word = text.strip()
        if self.kind in ("enum", "trigger"):
            return _WORDS.get(word.lower(), word) if self.kind == "trigger" else word.lower()
        if self.kind == "bool":
            if word.lower() not in _WORDS:
                raise self._refuse(text)
            return _WORDS[word.lower()]
        if self.has_off and word.lower() == "off":
            return self.minimum
        if self.unit and word.lower().endswith(self.unit.lower()):
            word = word[: -len(self.unit)].rstrip()
        try:
            return int(word) if self.kind == "int" else float(word)
        except ValueError:
            raise self._refuse(text) from None

    def clipped(self, value: object) -> str:
        """Say in a line what has become of a typed value that `accept` took and moved into the range; "" of any other."""
        if self.kind not in ("float", "int") or isinstance(value, str) or self.minimum <= value <= self.maximum:
            return ""
        return f"{self.path} {value:.10g} is beyond {self.span()}; taken as {self.show(self.accept(value))}"

    def encode(self, value: Value) -> float:
        """Give the double that carries an accepted value through shared memory (an enum's index, 0/1 for a bool)."""
        return float(self.choices.index(value)) if self.kind == "enum" else float(value)

    def decode(self, number: float) -> Value:
        """Give the value that `encode` made `number` from."""
        if self.kind == "enum":
            return self.choices[int(number)]
        if self.kind == "bool":
            return number != 0
        return int(number) if self.kind in ("int", "trigger") else float(number)

    def span(self) -> str:
        """Say in words what the row takes, for messages and tables."""
        if self.kind == "enum":
            return " | ".join(self.choices)
        if self.kind == "bool":
            return "on | off"
        if self.kind == "trigger":
            return "(trigger)"
        unit, off = (f" {self.unit}" if self.unit else ""), (", or off" if self.has_off else "")
        return f"{self.minimum:.10g} .. {self.maximum:.10g}{unit}{off}"

    def show(self, value: Value) -> str:
        """Write a value as `parse` reads it, with its unit."""
        if self.kind == "bool":
            return "on" if value else "off"
        if self.kind == "enum":
            return str(value)
        return f"{value:.10g}" + (f" {self.unit}" if self.unit else "")

    def _accept_choice(self, value: object) -> str:
        if isinstance(value, str) and value in self.choices:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and value in range(len(self.choices)):
            return self.choices[int(value)]
        raise self._refuse(value)

    def _refuse(self, value: object) -> RefusedValue:
        shown = repr(value)
        shown = shown if len(shown) <= 40 else shown[:37] + "..."
        near = nearest(value, self.choices) if isinstance(value, str) else []
        what = {"int": "a whole number, ", "float": "a number, "}.get(self.kind, "")
        return RefusedValue(
            f"{self.path} does not take {shown}; it takes {what}{self.span()}"
            + (f"; did you mean {near[0]}?" if near else "")
        )


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and value == 0


class Registry:
    """The table, by path. Immutable; holds no values. Any thread may call it.

    `step_rows` and `block_rows` are in table order: the params mailbox carries one double per step row in that order.
    """

    def __init__(self, rows: Iterable[Param]):
        self.rows = tuple(rows)
        self._by_path = {row.path: row for row in self.rows}
        assert len(self._by_path) == len(self.rows), "two rows with one path"
        self.step_rows = tuple(row for row in self.rows if row.target == "step")
        self.block_rows = tuple(row for row in self.rows if row.target == "block")
        self.control_rows = tuple(row for row in self.rows if row.target == "control")
        self._step_index = {row.path: index for index, row in enumerate(self.step_rows)}
        self._block_index = {row.path: index for index, row in enumerate(self.block_rows)}

    @property
    def paths(self) -> list[str]:
        """Every path, in table order."""
        return list(self._by_path)

    def resolve(self, path: str) -> Param:
        """Find a row; raise UnknownParam, which carries the nearest paths."""
        row = self._by_path.get(path)
        if row is None:
            raise UnknownParam(path[:80], nearest(path[:80], self._by_path))
        return row

    def accept(self, path: str, value: object) -> Value:
        """Check a typed value for a path; raise UnknownParam or RefusedValue."""
        return self.resolve(path).accept(value)

    def parse(self, path: str, text: str) -> Value:
        """Check a written value for a path; raise UnknownParam or RefusedValue."""
        return self.resolve(path).parse(text)

    def step_index(self, path: str) -> int:
        """Where a step row's double lies in the params mailbox; KeyError for a row that is not of the step target."""
        return self._step_index[path]

    def block_index(self, path: str) -> int:
        """Where a block row stands among the block rows; KeyError for a row that is not of the block target."""
        return self._block_index[path]

    def defaults(self) -> dict[str, Value]:
        """The value of every row that has one (a trigger has none)."""
        return {row.path: row.default for row in self.rows if row.kind != "trigger"}

    def step_defaults(self) -> list[float]:
        """What the params mailbox holds at the start: encoded defaults, 0 for a trigger's count."""
        return [0.0 if row.kind == "trigger" else row.encode(row.default) for row in self.step_rows]
