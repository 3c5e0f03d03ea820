"""What is derived from the parameter table: flags, the manual's table, the OSC address list, JSON for whoever builds a surface."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .spec import Param, Registry, Value

OSC_ROOT = "/antiphon/"
_OSC_TYPES = {"float": "f", "int": "i", "bool": "T", "enum": "s", "trigger": "", "text": "s"}


def flag(row: Param) -> str:
    """Name the row's command-line flag."""
    return "--" + row.path.replace("/", "-").replace("_", "-")


def add_flags(parser: argparse.ArgumentParser, registry: Registry) -> None:
    """Add --set and one flag for each row that has a value; what was given is collected in order as `rows`.

    `remarks` says in a line each which values were moved into their range.
    """
    parser.set_defaults(remarks=[])
    group = parser.add_argument_group(
        "parameters", "rows of the parameter table; `antiphon params` shows them with their ranges"
    )
    group.add_argument(
        "--set",
        dest="rows",
        action=_Set,
        metavar="PATH=VALUE",
        registry=registry,
        default=[],
        help="set any row; may be given several times",
    )
    for row in registry.rows:
        if row.access != "w":
            group.add_argument(
                flag(row),
                dest="rows",
                action=_Row,
                row=row,
                metavar=row.unit.upper() or row.kind.upper(),
                default=argparse.SUPPRESS,
                help=f"{row.help} ({row.span()}; {row.show(row.default)})".replace("%", "%%"),
            )


def parse_assignment(registry: Registry, text: str) -> tuple[Param, Value]:
    """Read `path=value` and give the row and the value as written, not yet accepted; raises UsageError."""
    path, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: expected PATH=VALUE, as in --set temperature=0.8")
    row = registry.resolve(path.strip())
    if row.kind == "trigger":
        raise UsageError(f"--set {text}: {row.path} is a trigger, it happens while playing and has no value to set")
    if row.kind == "text":
        raise UsageError(f"--set {text}: write --{row.path} {value!r} instead")
    return row, row.read(value)


def as_json(registry: Registry) -> list[dict]:
    """Describe every row as plain data: what a program needs to build its own surface."""
    return [
        {
            "path": row.path,
            "kind": row.kind,
            "group": row.group,
            "unit": row.unit,
            "curve": row.curve,
            "target": row.target,
            "access": row.access,
            "help": row.help,
            "osc": OSC_ROOT + row.path,
            "osc_type": osc_type(row),
            "flag": flag(row) if has_flag(row) else None,
            "midi": row.midi,
            "smoothing_s": row.smoothing_s,
            "beyond": row.beyond,
            "renews": row.renews,
            **({"minimum": row.minimum, "maximum": row.maximum} if row.kind in ("float", "int", "list") else {}),
            **({"choices": list(row.choices)} if row.kind == "enum" else {}),
            **({"most": row.most} if row.kind in ("list", "text") or row.numbered else {}),
            **({"zero": row.zero} if row.zero else {}),
            **({} if row.access == "w" else {"default": row.default}),
        }
        for row in registry.rows
    ]


_COLUMNS = ("takes", "default", "heard", "MIDI", "what it does")


def _cells(row: Param) -> tuple[str, ...]:
    return row.span(), _default(row), _heard(row), row.midi, row.help


def as_text(registry: Registry) -> str:
    """Lay the table out for a terminal."""
    cells = [("path", *_COLUMNS), *((row.path, *_cells(row)) for row in registry.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)) for line in cells
    )


def as_markdown(registry: Registry) -> str:
    """Write the manual's table; README.md holds exactly this, and a test compares."""
    lines = [f"| OSC address | {' | '.join(_COLUMNS)} |", "|---" * (1 + len(_COLUMNS)) + "|"]
    for row in registry.rows:
        cells = " | ".join(cell.replace("|", "\\|") for cell in _cells(row))
        lines.append(f"| `{OSC_ROOT}{row.path}` | {cells} |")
    return "\n".join(lines)


def osc_addresses(registry: Registry) -> list[tuple[str, str]]:
    """List every OSC address with the type tag of its value; a trigger has none."""
    return [(OSC_ROOT + row.path, osc_type(row)) for row in registry.rows]


def osc_type(row: Param) -> str:
    """Type tags of a row's value as we send it; of a list, of its longest."""
    if row.kind == "list":
        return "f" * row.most
    return "i" if row.numbered else _OSC_TYPES[row.kind]


def has_flag(row: Param) -> bool:
    """Whether the command line sets it: what happens while playing has no flag, but for --preset and --ask."""
    return row.access != "w" or row.path in ("preset", "ask")


class _Set(argparse.Action):
    """--set PATH=VALUE."""

    def __init__(self, registry: Registry, **keywords):
        super().__init__(**keywords)
        self._registry = registry

    def __call__(self, parser, namespace, text, option=None):
        _keep(namespace, *parse_assignment(self._registry, text))


class _Row(argparse.Action):
    """--temperature 0.8: the flag of one row."""

    def __init__(self, row: Param, **keywords):
        super().__init__(**keywords)
        self._row = row

    def __call__(self, parser, namespace, text, option=None):
        _keep(namespace, self._row, self._row.read(text))


def _keep(namespace: argparse.Namespace, row: Param, value: Value) -> None:
    namespace.rows = [*namespace.rows, (row.path, row.accept(value))]
    remark = row.clipped(value)
    namespace.remarks = [*namespace.remarks, *([remark] if remark else [])]


def _default(row: Param) -> str:
    return "" if row.access == "w" else row.show(row.default)


def _heard(row: Param) -> str:
    """When a change is heard."""
    return {"block": "next block", "step": "next step", "control": "at once"}[row.target]
