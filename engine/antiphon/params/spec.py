"""What a row of the parameter table is, and the table of them.

A value is checked here and nowhere else: OSC, presets, the command line and whatever comes later all call
`Registry.accept` (typed values) or `Registry.parse` (text a person wrote).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError, nearest
from ..units import OFF_DB, note_number

Value = float | int | bool | str | tuple[float, ...]

_WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


_MOST_DIGITS = 20  # of a trigger's number: Python refuses to read thousands, with an error of its own


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

    `kind` says what a value is: float, int, bool, enum (one of `choices`, spoken as a word, carried as its index),
    list (a tuple of at most `most` numbers, each within the range), text (at most `most` characters) or
    trigger (something that happens; carried as a count, so that two presses in one step are two). A trigger with `most`
    above 1 is numbered: it says which, 1 .. `most`, as in `keep 3`.
    `target` says who acts on it: the audio callback (block), the model at its next step (step), or Python (control).
    `group` is where a player looks for it: performance, pitch, time, character or output.
    `beyond` says what becomes of a number outside minimum..maximum. `curve` is for faders: linear, or exp where equal
    movements should be equal ratios. `smoothing_s` is the ramp of a block target. `access` is rw, or w for triggers and texts.
    `midi` is the controller that steers it by default, empty for none. `zero` is the word for 0 where that stands for
    something else than a number (a tempo of 0 is the performer's). `renews` says that a change is answered at once: the
    note that sounds gives way to the next one, drawn by the new value.
    `kept` says what a preset has to do with it. music: it is part of one, and at its default where a complete one does not name
    it. room: how loud and how sensitive the stage is, and what it is wired to; saved, and loaded where a file names it, but never
    reset by a complete one. moment: what happens just now; a preset may name it, but it is not saved.
    """

    path: str
    kind: Literal["float", "int", "bool", "enum", "trigger", "list", "text"]
    help: str
    target: Literal["block", "step", "control"]
    group: Literal["performance", "pitch", "time", "character", "output"] = "performance"
    default: Value = 0.0
    minimum: float = 0.0
    maximum: float = 1.0
    unit: str = ""
    curve: Literal["linear", "exp"] = "linear"
    choices: tuple[str, ...] = ()
    most: int = 1
    zero: str = ""
    renews: bool = False
    smoothing_s: float = 0.0
    beyond: Literal["clip", "refuse"] = "clip"
    access: Literal["rw", "w"] = "rw"
    midi: str = ""
    kept: Literal["music", "room", "moment"] = "music"

    @property
    def width(self) -> int:
        """How many doubles carry it through shared memory: a list's length goes first, a numbered trigger's number last."""
        if self.kind == "list":
            return 1 + self.most
        return 2 if self.numbered else 1

    @property
    def numbered(self) -> bool:
        """Whether it is a trigger that says which."""
        return self.kind == "trigger" and self.most > 1

    @property
    def has_off(self) -> bool:
        """Whether the word `off` is a value: a gain's lowest point is silence."""
        return self.unit == "dB" and self.minimum <= OFF_DB

    @property
    def saved(self) -> bool:
        """Whether its value is written into a preset that is saved."""
        return self.access != "w" and self.kept != "moment"

    @property
    def of_the_music(self) -> bool:
        """Whether it belongs to what is played: a preset that is complete sets it, named or not."""
        return self.access != "w" and self.kept == "music"

    def accept(self, value: object) -> Value:
        """Give the value this row takes from a typed one; raise RefusedValue with one line if there is none.

        A number may stand for a bool (not 0 is true) and its index for an enum's word, since Pd and Max send only
        floats; so may the words on and off for a bool, and off for a gain. NaN and infinities are refused always. A
        trigger takes anything; False and 0, which a button sends when it is let go, mean that nothing happens. A list
        takes a list, a tuple, one number, or "none" for nothing in it; OSC's several arguments come as a tuple.
        """
        if self.kind == "list":
            return self._accept_list(value)
        if self.kind == "text":
            return self._accept_text(value)
        if self.numbered:
            return self._accept_number(value)
        if self.kind == "trigger":
            return value is None or not _is_zero(value)
        if self.kind == "enum":
            return self._accept_choice(value)
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind == "bool" and isinstance(value, str) and value in ("on", "off"):
            return value == "on"
        if value == "off" and self.has_off:
            return self.minimum
        if self.zero and value == self.zero:
            return 0 if self.kind == "int" else 0.0
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
        if self.zero and number == 0:
            return 0 if self.kind == "int" else 0.0
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
        if self.kind == "enum":
            return word.lower()
        if self.numbered:
            return int(word) if word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS else word
        if self.kind == "trigger":
            return _WORDS.get(word.lower(), word)
        if self.kind == "text":
            return word
        if self.kind == "list":
            return self._read_list(text)
        if self.kind == "bool":
            if word.lower() not in _WORDS:
                raise self._refuse(text)
            return _WORDS[word.lower()]
        if self.has_off and word.lower() == "off":
            return self.minimum
        if self.zero and word.lower() == self.zero:
            return 0
        if self.unit == "note" and (number := note_number(word)) is not None:
            return int(number) if self.kind == "int" else number
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
        if self.zero and value == 0:
            return ""
        return f"{self.path} {value:.10g} is beyond {self.span()}; taken as {self.show(self.accept(value))}"

    def encode(self, value: Value) -> list[float]:
        """Give the doubles, `width` of them, that carry an accepted value through shared memory (an enum's index, 0/1 for a bool)."""
        if self.kind == "list":
            return [float(len(value)), *map(float, value), *[0.0] * (self.most - len(value))]
        return [float(self.choices.index(value)) if self.kind == "enum" else float(value)]

    def decode(self, numbers: Sequence[float]) -> Value:
        """Give the value that `encode` made the numbers from."""
        if self.kind == "list":
            return tuple(float(number) for number in numbers[1 : 1 + int(numbers[0])])
        if self.kind == "enum":
            return self.choices[int(numbers[0])]
        if self.kind == "bool":
            return numbers[0] != 0
        return int(numbers[0]) if self.kind in ("int", "trigger") else float(numbers[0])

    def position(self, value: Value) -> float:
        """Where a fader stands for a value, 0..1 along the curve; an enum's words share its way evenly. 0 of a row that has a word
        for it stands at 0, beside the minimum, or one whole step before it."""
        if self.kind == "bool":
            return float(value)
        if self.kind == "enum":
            return (self.choices.index(value) + 0.5) / len(self.choices)
        if self.zero and value == 0:
            return 0.0
        if self.curve == "exp":
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        return (value - self._lowest) / (self.maximum - self._lowest)

    @property
    def _lowest(self) -> float:
        """What a straight fader stands for at 0: the minimum, or of whole numbers the step before it that is the word's."""
        return self.minimum - 1 if self.zero and self.kind == "int" else self.minimum

    def at(self, position: float) -> Value:
        """Give the accepted value that a fader at `position`, 0..1, stands for: the inverse of `position`, rounded where there are
        steps."""
        position = min(max(position, 0.0), 1.0)
        if self.kind == "bool":
            return position >= 0.5
        if self.kind == "enum":
            return self.choices[min(int(position * len(self.choices)), len(self.choices) - 1)]
        if self.zero and position == 0:
            return self.accept(0)
        if self.curve == "exp":
            number = self.minimum * (self.maximum / self.minimum) ** position
        else:
            number = self._lowest + (self.maximum - self._lowest) * position
            if number < self.minimum - 0.5:
                return self.accept(0)
        return self.accept(round(number) if self.kind == "int" else number)

    def span(self) -> str:
        """Say in words what the row takes, for messages and tables."""
        if self.kind == "enum":
            return " | ".join(self.choices)
        if self.kind == "bool":
            return "on | off"
        if self.kind == "trigger":
            return f"1 .. {self.most} (trigger)" if self.numbered else "(trigger)"
        if self.kind == "text":
            return "text"
        unit, off = (f" {self.unit}" if self.unit else ""), (", or off" if self.has_off else "")
        if self.zero:
            off = f", or {self.zero}"
        span = f"{self.minimum:.10g} .. {self.maximum:.10g}{unit}{off}"
        return f"up to {self.most} of {span}, or none" if self.kind == "list" else span

    def show(self, value: Value) -> str:
        """Write a value as `parse` reads it, with its unit."""
        if self.kind == "bool":
            return "on" if value else "off"
        if self.kind in ("enum", "text"):
            return str(value)
        if self.kind == "list":
            return " ".join(f"{number:.10g}" for number in value) or "none"
        if self.zero and value == 0:
            return self.zero
        return f"{value:.10g}" + (f" {self.unit}" if self.unit else "")

    def _accept_list(self, value: object) -> tuple[float, ...]:
        if value is None or value in ("none", "", ("none",), (None,)):
            return ()
        items = value if isinstance(value, list | tuple) else (value,)
        if len(items) > self.most:
            raise RefusedValue(f"{self.path} takes up to {self.most} numbers, not {len(items)}")
        numbers = []
        for item in items:
            number = note_number(item) if isinstance(item, str) and self.unit == "note" else item
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < math.inf:
                raise self._refuse(item)
            if not self.minimum <= number <= self.maximum:
                raise self._refuse(item)  # moved into the range it would be another chord, another scale
            numbers.append(float(number))
        return tuple(numbers)

    def _read_list(self, text: str) -> tuple:
        words = text.replace(",", " ").split()
        if [word.lower() for word in words] in ([], ["none"]):
            return ()
        numbers = []
        for word in words:
            number = note_number(word) if self.unit == "note" else None
            try:
                numbers.append(float(word) if number is None else number)
            except ValueError:
                raise self._refuse(word) from None
        return tuple(numbers)

    def _accept_text(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._refuse(value)
        if len(value) > self.most or not value.isprintable():
            raise RefusedValue(f"{self.path} takes one line of at most {self.most} characters")
        return value

    def _accept_number(self, value: object) -> int:
        """Which, of a numbered trigger: 1 .. most; 0, which a button sends when it is let go, is none."""
        if value is None:
            raise RefusedValue(f"{self.path} wants to know which, {self.span()}")
        if isinstance(value, str) and self.unit == "note" and (named := note_number(value)) is not None:
            value = named
        if not isinstance(value, int | float) or not 0 <= value <= self.most or value != int(value):
            raise self._refuse(value)
        return int(value)

    def _accept_choice(self, value: object) -> str:
        if isinstance(value, str) and value.lower() in self.choices:
            return value.lower()
        if isinstance(value, int | float) and not isinstance(value, bool):
            if value in range(len(self.choices)):
                return self.choices[int(value)]
            named = f"{value:g}" if abs(value) < 1e6 else ""  # 440 of tune_to; an int may be larger than any float
            if named in self.choices:
                return named
        raise self._refuse(value)

    def _refuse(self, value: object) -> RefusedValue:
        shown = as_shown(value)
        near = nearest(value[:80], self.choices) if isinstance(value, str) else []
        what = {"int": "a whole number, ", "float": "a number, "}.get(self.kind, "")
        return RefusedValue(
            f"{self.path} does not take {shown}; it takes {what}{self.span()}"
            + (f"; did you mean {near[0]}?" if near else "")
        )


def as_shown(value: object) -> str:
    """Write whatever was given so that it fits into a message: Python's way, at most 40 characters of it."""
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # an int of more than 4300 digits; tables in tables in tables
        return "a number of thousands of digits" if isinstance(value, int) else f"such a {type(value).__name__}"
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and value == 0


class Registry:
    """The table, by path. Immutable; holds no values. Any thread may call it.

    `step_rows` and `block_rows` are in table order: the params mailbox carries the `width` doubles of each step row in that
    order, `step_width` in all.
    """

    def __init__(self, rows: Iterable[Param]):
        self.rows = tuple(rows)
        self._by_path = {row.path: row for row in self.rows}
        assert len(self._by_path) == len(self.rows), "two rows with one path"
        self.step_rows = tuple(row for row in self.rows if row.target == "step")
        self.block_rows = tuple(row for row in self.rows if row.target == "block")
        self.control_rows = tuple(row for row in self.rows if row.target == "control")
        places = itertools.accumulate((row.width for row in self.step_rows), initial=0)
        self._step_index = {row.path: place for row, place in zip(self.step_rows, places, strict=False)}
        self.step_width = sum(row.width for row in self.step_rows)
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
        """Where a step row's first double lies in the params mailbox; KeyError for a row that is not of the step target."""
        return self._step_index[path]

    def block_index(self, path: str) -> int:
        """Where a block row stands among the block rows; KeyError for a row that is not of the block target."""
        return self._block_index[path]

    def defaults(self) -> dict[str, Value]:
        """The value of every row that has one (a trigger and a text have none: they are what happens)."""
        return {row.path: row.default for row in self.rows if row.access != "w"}

    def step_defaults(self) -> list[float]:
        """What the params mailbox holds at the start: encoded defaults, 0 for a trigger's count."""
        doubles = [0.0] * self.step_width
        for row in self.step_rows:
            if row.kind != "trigger":
                self.put(doubles, row.path, row.default)
        return doubles

    def put(self, doubles: MutableSequence[float], path: str, value: Value) -> None:
        """Write an accepted value of a step row where the params mailbox has it; of a trigger, that it happened once more."""
        row, at = self._by_path[path], self._step_index[path]
        if row.kind == "trigger":
            doubles[at] += 1
            if row.numbered:
                doubles[at + 1] = value
        else:
            doubles[at : at + row.width] = row.encode(value)

    def get(self, doubles: Sequence[float], path: str) -> Value:
        """Read a step row's value from the doubles of the params mailbox; of a trigger, how often it happened."""
        row, at = self._by_path[path], self._step_index[path]
        return row.decode(doubles[at : at + row.width])
