"""What is derived from the parameter table: flags, the manual's table, the OSC address list, presets."""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .. import patches
from ..errors import UsageError, did_you_mean
from .spec import Param, Registry, Value

OSC_ROOT = "/antiphon/"
_OSC_TYPES = {"float": "f", "int": "i", "bool": "T", "enum": "s", "trigger": ""}
_PRESET_KEYS = ("title", "help", "values")
_PRESET_BYTES = 65_536


@dataclass(frozen=True)
class Preset:
    """Values for some rows, checked by the table. `name` is the file's, without its ending.

    `remarks` says in a line each which of them were moved into their range.
    """

    name: str
    title: str
    help: str
    values: dict[str, Value]
    remarks: tuple[str, ...] = ()


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
        if row.kind != "trigger":
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
    return row, row.read(value)


def as_json(registry: Registry) -> list[dict]:
    """Describe every row as plain data: what a program needs to build its own surface."""
    return [
        {
            "path": row.path,
            "kind": row.kind,
            "unit": row.unit,
            "curve": row.curve,
            "target": row.target,
            "access": row.access,
            "help": row.help,
            "osc": OSC_ROOT + row.path,
            "osc_type": _OSC_TYPES[row.kind],
            "flag": None if row.kind == "trigger" else flag(row),
            "midi": row.midi,
            "smoothing_s": row.smoothing_s,
            "beyond": row.beyond,
            **({"minimum": row.minimum, "maximum": row.maximum} if row.kind in ("float", "int") else {}),
            **({"choices": list(row.choices)} if row.kind == "enum" else {}),
            **({} if row.kind == "trigger" else {"default": row.default}),
        }
        for row in registry.rows
    ]


def as_text(registry: Registry) -> str:
    """Lay the table out for a terminal."""
    cells = [("path", "takes", "default", "heard", "what it does")]
    cells += [(row.path, row.span(), _default(row), _heard(row), row.help) for row in registry.rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)) for line in cells
    )


def as_markdown(registry: Registry) -> str:
    """Write the manual's table; README.md holds exactly this, and a test compares."""
    lines = ["| OSC address | takes | default | heard | what it does |", "|---|---|---|---|---|"]
    for row in registry.rows:
        span = row.span().replace("|", "\\|")
        lines.append(f"| `{OSC_ROOT}{row.path}` | {span} | {_default(row)} | {_heard(row)} | {row.help} |")
    return "\n".join(lines)


def osc_addresses(registry: Registry) -> list[tuple[str, str]]:
    """List every OSC address with the type tag of its value; a trigger has none."""
    return [(OSC_ROOT + row.path, _OSC_TYPES[row.kind]) for row in registry.rows]


def preset_files() -> dict[str, Path]:
    """Find the presets that come with the instrument, by name."""
    return {path.stem: path for path in sorted((patches() / "presets").glob("*.toml"))}


def load_preset(name: str | Path, registry: Registry) -> Preset:
    """Read a preset by its name or its file; every value goes through the table.

    Raises UsageError with one line for a missing or unreadable file, an unknown key or row, a refused value, a trigger.
    """
    path = _find_preset(str(name))
    try:
        data = path.read_bytes()[: _PRESET_BYTES + 1]
        if len(data) > _PRESET_BYTES:
            raise UsageError(f"preset {path}: larger than {_PRESET_BYTES} bytes; is it a preset?")
        content = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise UsageError(f"preset {path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"preset {path}: is not TOML ({str(error).splitlines()[0]})") from None
    for key in content:
        if key not in _PRESET_KEYS:
            raise UsageError(
                f"preset {path}: unknown key {key!r}{did_you_mean(key, _PRESET_KEYS)}; rows go under [values]"
            )
    values = content.get("values", {})
    if not isinstance(values, dict):
        raise UsageError(f"preset {path}: values must be a table; write [values] above them")
    try:
        accepted = {row_path: _preset_value(registry, row_path, value) for row_path, value in values.items()}
    except UsageError as error:
        raise UsageError(f"preset {path}: {error}") from None
    remarks = [f"preset {path}: {remark}" for row, value in values.items() if (remark := registry.resolve(row).clipped(value))]
    return Preset(path.stem, str(content.get("title", path.stem)), str(content.get("help", "")), accepted, tuple(remarks))


def preset_toml(values: dict[str, Value]) -> str:
    """Write values as `load_preset` reads them."""
    return "[values]\n" + "".join(f"{json.dumps(path)} = {json.dumps(value)}\n" for path, value in values.items())


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


def _preset_value(registry: Registry, path: str, value: object) -> Value:
    row = registry.resolve(path)
    if row.kind == "trigger":
        raise UsageError(f"{path} is a trigger, and has no value to keep")
    return row.accept(value)


def _find_preset(name: str) -> Path:
    known = preset_files()
    if name in known:
        return known[name]
    path = Path(name)
    if path.is_file():
        return path
    there = f"there is: {', '.join(known)}" if known else "none is installed"
    raise UsageError(f"no preset {name!r}{did_you_mean(name, known)}; {there}, or give a .toml file")


def _default(row: Param) -> str:
    return "" if row.kind == "trigger" else row.show(row.default)


def _heard(row: Param) -> str:
    """When a change is heard."""
    return {"block": "next block", "step": "next step", "control": "at once"}[row.target]
