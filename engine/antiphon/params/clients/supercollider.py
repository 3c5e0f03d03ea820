"""SuperCollider: a class with a method for each row, and an example. The class's frame is patches/clients/supercollider."""

from __future__ import annotations

import re

from ... import patches
from ..spec import Param, Registry
from . import common
from .common import number


def class_file(registry: Registry) -> str:
    """Make Antiphon.sc: the frame with the table and the methods put in."""
    table = "\n".join(f"\t\t\t{_entry(row)}," for row in registry.rows)
    methods = "\n".join(_methods(row) for row in registry.rows)
    return _filled("Antiphon.sc", table=table, methods=methods)


def example(registry: Registry) -> str:
    """Make example.scd: the frame with one line for each row, at its default."""
    lines = "\n".join(f"{_call(row):<44}// {common.takes(row)}" for row in registry.rows)
    return _filled("example.scd", lines=lines)


def name(row: Param) -> str:
    """Give the row's method; a path's slash has no place in one."""
    return row.path.replace("/", "")


def _filled(file: str, **parts: str) -> str:
    text = (patches() / "clients" / "supercollider" / f"{file}.in").read_text(encoding="utf-8")
    host = {"host": common.HOST, "port": str(common.PORT)}
    return re.sub(r"@(\w+)@", lambda found: (host | parts)[found[1]], text)


def _entry(row: Param) -> str:
    """A row as a literal array: path, kind, minimum, maximum, warp, step, default, unit, choices, most, help."""
    low, high, step = row.minimum, row.maximum, 0
    if row.kind == "bool":
        low, high, step = 0, 1, 1
    elif row.kind == "enum":
        low, high, step = 0, len(row.choices) - 1, 1
    elif row.kind == "trigger":
        low, high, step = 1, row.most, 1
    elif row.kind == "int":
        step = 1
    warp = "exp" if row.curve == "exp" else "lin"
    choices = "[" + ", ".join(f"'{choice}'" for choice in row.choices) + "]"
    fields = [f"'{row.path}'", f"'{row.kind}'", number(low), number(high), f"'{warp}'", str(step), _literal(row, row.default),
              _quoted(row.unit), choices, str(row.most), _quoted(row.help)]
    return f"[{', '.join(fields)}]"


def _literal(row: Param, value: object) -> str:
    if row.access == "w":
        return "nil"
    if row.kind == "list":
        return "[" + ", ".join(map(number, value)) + "]"
    if row.kind == "enum":
        return f"'{value}'"
    if row.kind == "bool":
        return "true" if value else "false"
    return number(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _methods(row: Param) -> str:
    path, method = row.path, name(row)
    if row.numbered:
        return f"\t{method} {{ |number| this.send('{path}', number) }}"
    if row.kind == "trigger":
        return f"\t{method} {{ this.send('{path}') }}"
    if row.kind == "text":
        return f"\t{method} {{ |text| this.send('{path}', text) }}\n\t{method}_ {{ |text| this.send('{path}', text) }}"
    return (f"\t{method} {{ |value| ^if(value.isNil) {{ this.get('{path}') }} {{ this.set('{path}', value) }} }}\n"
            f"\t{method}_ {{ |value| this.set('{path}', value) }}")


def _call(row: Param) -> str:
    method = name(row)
    if row.numbered:
        return f"a.{method}({min(row.most, 60)});"
    if row.kind == "trigger":
        return f"a.{method};"
    if row.kind == "text":
        return f"a.{method}({_quoted(common.example(row))});"
    if row.kind == "list":
        return f"a.{method} = [{', '.join(common.example(row).split())}];"
    return f"a.{method} = {_literal(row, row.default)};"
