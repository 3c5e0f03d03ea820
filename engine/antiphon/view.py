"""What a player sees: a live view of ten lines in a terminal, plain lines in a pipe, a summary at the end.

Everything is drawn from `Status` values in the control thread; the audio callback knows nothing of it.
"""

from __future__ import annotations

import os
import shutil
from typing import TextIO

from .latency import Latency
from .status import Status
from .units import pitch_name

KEYS = "space trigger   p panic   m mode   t take   q quit"
_BAR_WIDTH = 24
_BAR_BOTTOM_DB = -60.0
_CLIP_DB = -0.5
_LABEL = 7
_BOLD, _RED, _DIM, _PLAIN = "\x1b[1m", "\x1b[31;1m", "\x1b[2m", "\x1b[0m"


def screen(
    status: Status, latency: Latency, osc: str, width: int = 80, ascii_only: bool = False, keys: bool = True
) -> list[tuple[str, str]]:
    """Draw one look as (style, line) pairs, style one of "", bold, bad, dim; no line is longer than `width`."""
    p50, p99, most_ms, hop = map(_ms, (status.step_ns_p50, status.step_ns_p99, status.step_ns_max, status.hop_ns))
    step = f"{p50} ms p50   {p99} p99   {most_ms} max   of {hop}"
    heard = f", heard {status.late_heard}" if status.late else ""
    least, most = (frames * 1000.0 / latency.samplerate for frames in latency.trigger_frames)
    state = f"{status.state}, model {status.phase}" if status.phase != "playing" else status.state
    lines = [
        ("bold", f"Antiphon   {status.mode}: {state}   {_clock(status.seconds)}   answers {status.answers}   {_music(status)}"),
        (
            "dim",
            f"{status.driver}: {status.input_name} > {status.output_name}   "
            f"{status.samplerate} Hz, {status.blocksize} frames",
        ),
        _level(
            "in",
            status.peak_in_db,
            f"heard  {_pitch(status.pitch_heard)} room {status.noise_floor_db:.0f} dB",
            ascii_only,
        ),
        _level("voice", status.peak_voice_db, f"played {_pitch(status.pitch_played)}", ascii_only),
        _level(
            "out",
            status.peak_out_db,
            f"limiter {status.limiter_db:.1f} dB" if status.limiter_db < -0.05 else "",
            ascii_only,
        ),
        ("bad" if status.late else "", f"{'step':<{_LABEL}}{step}   late {status.late}{heard}"),
        (
            "bad" if status.underflows or status.xruns or status.overflows or status.device_lost else "",
            f"{'faults':<{_LABEL}}xruns {status.xruns}   underflows {status.underflows}   "
            f"overflows {status.overflows}   restarts {status.restarts}"
            + ("   DEVICE LOST" if status.device_lost else ""),
        ),
        (
            "",
            f"{'latency':<{_LABEL}} {latency.total_ms:.1f} ms performer to voice   "
            f"trigger {least:.0f} to {most:.0f}   dry {latency.dry_ms:.1f}   lead {status.lead_ms:.0f}",
        ),
        ("", f"{'OSC':<{_LABEL}}{osc}"),
        *([("bad" if status.take_gap_frames else "", _take(status))] if status.take else []),
        ("dim", KEYS if keys else "Ctrl-C ends"),
    ]
    return [(style, line[:width]) for style, line in lines]


def _take(status: Status) -> str:
    """What is being recorded."""
    missing = f", {status.take_gap_frames / status.samplerate:.1f} s missing" if status.take_gap_frames else ""
    return f"{'take':<{_LABEL}}recording {_clock(status.take_s)}{missing}   {' '.join(status.take.split())}"


def _music(status: Status) -> str:
    """What the performer is in, as far as it was heard."""
    return f"you: {status.key_heard} {status.scale_heard}, {status.tempo_heard:.0f} bpm" if status.key_heard else ""


def plain_line(status: Status) -> str:
    """Say the same in one line."""
    return (
        f"{_clock(status.seconds)}  {status.mode}: {status.state}  "
        f"in {status.peak_in_db:.0f} dB  voice {status.peak_voice_db:.0f} dB  "
        f"heard {pitch_name(status.pitch_heard)}  played {pitch_name(status.pitch_played)}  answers {status.answers}  "
        f"step {_ms(status.step_ns_p50)}/{_ms(status.step_ns_max)} ms  "
        f"late {status.late}  underflows {status.underflows}  "
        f"xruns {status.xruns}  overflows {status.overflows}  restarts {status.restarts}"
    )


def what_matters(status: Status) -> tuple:
    """Give what has to change before a pipe gets another line: levels and pitches alone are not news."""
    return (
        status.mode,
        status.state,
        status.phase,
        status.answers,
        status.late,
        status.underflows,
        status.xruns,
        status.overflows,
        status.restarts,
        status.device_lost,
    )


def latency_table(latency: Latency) -> list[str]:
    """Lay the latency out as the sum it is."""
    rows = [*latency.rows, ("performer to voice", latency.total_frames, latency.total_ms)]
    least, most = latency.trigger_frames
    lines = [f"  {name:<20}{frames:9.1f} frames {ms:8.2f} ms" for name, frames, ms in rows]
    lines.insert(-1, "  " + "-" * 46)
    lines.append(
        f"  {'trigger to voice':<20}{least:9.1f} to {most:.1f} frames, "
        f"{_at(latency, least):.2f} to {_at(latency, most):.2f} ms"
    )
    lines.append(f"  {'dry sound':<20}{latency.dry_frames:9.1f} frames {latency.dry_ms:8.2f} ms")
    lines.append(f"  device latency: {latency.source}")
    return lines


def summary(status: Status, latency: Latency) -> list[str]:
    """Say what a performance was, at its end."""
    return [
        f"played {status.seconds:.1f} s on {status.driver}: "
        f"{status.blocks} blocks of {status.blocksize} frames at {status.samplerate} Hz",
        f"answers {status.answers}, xruns {status.xruns}, voice underflows {status.underflows}, "
        f"mic overflows {status.overflows}, late steps {status.late} of {status.steps}, "
        f"{status.late_heard} of them heard (lead {status.lead_ms:.0f} ms), "
        f"model restarts {status.restarts}, devices lost {status.device_losses}",
        f"step {_ms(status.step_ns_p50)} ms p50, {_ms(status.step_ns_p99)} p99, "
        f"{_ms(status.step_ns_max)} max of {_ms(status.hop_ns)}"
        + ("; p50 and p99 are since the model's last restart" if status.restarts else ""),
        f"loudest out {status.peak_out_max_db:.1f} dB, {status.limited_frames} frames limited",
        "latency:",
        *latency_table(latency),
    ]


class Terminal:
    """A block of lines redrawn in place at the bottom of a terminal, messages scrolling above it.

    A terminal that has gone (closed window, broken connection) is given up silently: sound goes on.
    """

    def __init__(self, out: TextIO):
        self._out, self._drawn, self.gone = out, [], False
        self._cursor_hidden = False
        self.ascii_only = not (out.encoding or "").lower().startswith("utf")
        self._colour = not os.environ.get("NO_COLOR")

    @property
    def width(self) -> int:
        """Columns; one is left free, so that no line wraps."""
        return max(shutil.get_terminal_size().columns - 1, 20)

    def draw(self, lines: list[tuple[str, str]]) -> None:
        """Replace the block."""
        body = "".join(f"{self._paint(style, line)}\x1b[K\n" for style, line in lines)
        self._write((self._up() or "\x1b[?25l") + body + "\x1b[J")
        self._drawn, self._cursor_hidden = [len(line) for _, line in lines], True

    def say(self, line: str) -> None:
        """Print a line above the block."""
        self._take_away()
        self._write(f"{line}\n")

    def close(self) -> None:
        """Take the block away and show the cursor again."""
        if self._cursor_hidden:  # hidden also where a message was said last and the block is gone already
            self._take_away()
            self._write("\x1b[?25h")
            self._cursor_hidden = False

    def _take_away(self) -> None:
        if self._drawn:
            self._write(f"{self._up()}\x1b[J")
            self._drawn = []

    def _up(self) -> str:
        """Give what brings the cursor to where the block begins; nothing where there is no block.

        A terminal that has become narrower has broken the lines: each may take several rows now.
        """
        if not self._drawn:
            return ""
        columns = max(shutil.get_terminal_size().columns, 1)
        return f"\x1b[{sum(max(-(-length // columns), 1) for length in self._drawn)}F"

    def _paint(self, style: str, line: str) -> str:
        code = {"bold": _BOLD, "bad": _RED, "dim": _DIM}.get(style, "")
        return f"{code}{line}{_PLAIN}" if code and self._colour else line

    def _write(self, text: str) -> None:
        if self.gone:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):
            self.gone = True


def _level(name: str, level_db: float, beside: str, ascii_only: bool) -> tuple[str, str]:
    full, empty = ("#", ".") if ascii_only else ("█", "·")
    filled = round(min(max(1.0 - level_db / _BAR_BOTTOM_DB, 0.0), 1.0) * _BAR_WIDTH)
    shown = f"{level_db:6.1f} dB" if level_db > -100 else "   silent"
    clipped = level_db > _CLIP_DB and name == "in"
    bar = full * filled + empty * (_BAR_WIDTH - filled)
    return (
        "bad" if clipped else "",
        f"{name:<{_LABEL}}{bar} {shown}{'  CLIPPED' if clipped else ''}   {beside}".rstrip(),
    )


def _pitch(pitch: float) -> str:
    return f"{pitch_name(pitch):<8}"


def _ms(ns: float) -> str:
    return f"{ns / 1e6:.1f}"


def _at(latency: Latency, frames: float) -> float:
    return frames * 1000.0 / latency.samplerate


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"
