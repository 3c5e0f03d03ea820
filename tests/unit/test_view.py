"""The live view is drawn from values: every line fits, and nothing a status can hold breaks it."""

import dataclasses
import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon import view
from antiphon.latency import Timeline, latency
from antiphon.status import Status

LATENCY = latency(Timeline(44100, 128, 265), 256.0, 512.5, 15.0, 16.0)
PLAN = "tuple[tuple[float, float, float], ...]"
SHARES, NEAREST = "tuple[tuple[str, float], ...]", "tuple[str, int]"
NUMBERS = {
    "int": st.integers(0, 10**12),
    "float": st.floats(-200, 200),
    "bool": st.booleans(),
    "str": st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60),
    "int | None": st.none(),
    "tuple[str, ...]": st.just(()),
    PLAN: st.just(()),
    SHARES: st.just(()),
    NEAREST: st.just(("", 0)),
}


def status(**values):
    """An engine that has played for ten seconds."""
    empty = {"int": 0, "float": -20.0, "bool": False, "str": "x", "int | None": None, "tuple[str, ...]": (), PLAN: (), SHARES: (), NEAREST: ("", 0)}
    made = {field.name: empty[field.type] for field in dataclasses.fields(Status)}
    return Status(
        **{
            **made,
            "samplerate": 48000,
            "blocksize": 128,
            "frames": 480_000,
            "hop_ns": 20_000_000,
            "phase": "playing",
            "mode": "answer",
            "state": "listening",
            **values,
        }
    )


ANY_STATUS = st.builds(
    status, **{field.name: NUMBERS[field.type] for field in dataclasses.fields(Status) if field.name != "samplerate"}
)


@settings(max_examples=60, deadline=None)
@given(ANY_STATUS, st.integers(20, 200), st.booleans())
def test_no_status_breaks_the_view_and_no_line_is_too_long(any_status, width, ascii_only):
    """Always the same number of lines, one more while a take is recorded."""
    lines = view.screen(any_status, LATENCY, "127.0.0.1:9000", width, ascii_only)
    assert len(lines) == 10 + bool(any_status.take) and all(len(line) <= width and "\n" not in line for _, line in lines)
    assert "\n" not in view.plain_line(any_status)
    assert all("\n" not in line for line in view.summary(any_status, LATENCY))


def test_it_shows_what_a_player_needs():
    """Mode, state, pitches with cents, levels, step times, faults, the sum, the OSC address, the keys."""
    text = "\n".join(
        line
        for _, line in view.screen(
            status(
                pitch_heard=69.12,
                pitch_played=72.97,
                peak_in_db=-12.3,
                step_ns_p50=1_900_000,
                step_ns_max=4_400_000,
                xruns=3,
                underflows=2,
                late=1,
                late_heard=1,
                answers=7,
            ),
            LATENCY,
            "127.0.0.1:9000",
            120,
        )
    )
    for words in (
        "answer: listening",
        "A4 +12",
        "C#5 -3",
        "-12.3 dB",
        "1.9 ms p50",
        "4.4 max",
        "of 20.0",
        "xruns 3",
        "underflows 2",
        "late 1, heard 1",
        "answers 7",
        f"{LATENCY.total_ms:.1f} ms performer to voice",
        "127.0.0.1:9000",
        "space trigger",
        "p panic",
        "m mode",
        "q quit",
    ):
        assert words in text


def test_faults_and_clipping_stand_out():
    """The lines that say something is wrong are styled as bad, and only those."""

    def bad(**values):
        return [line.split()[0] for style, line in view.screen(status(**values), LATENCY, "off", 100) if style == "bad"]

    assert bad() == []
    assert bad(late=1) == ["step"] and bad(xruns=1) == ["faults"] and bad(device_lost=True) == ["faults"]
    assert bad(peak_in_db=0.0) == ["in"] and bad(peak_out_db=0.0) == []


def test_levels_and_pitches_alone_are_no_news_for_a_pipe():
    """A fault, a state or an answer is."""
    one = status()
    assert view.what_matters(one) == view.what_matters(
        dataclasses.replace(one, peak_in_db=-3.0, pitch_heard=60.0, frames=10**6, step_ns=5)
    )
    for changed in ({"late": 1}, {"state": "answering"}, {"underflows": 1}, {"device_lost": True}):
        assert view.what_matters(one) != view.what_matters(dataclasses.replace(one, **changed))


def test_the_latency_table_adds_up():
    """The lines above the rule sum to the line below it."""
    lines = view.latency_table(LATENCY)
    rule = next(k for k, line in enumerate(lines) if "---" in line)
    frames = [float(line.split(" frames")[0].split()[-1]) for line in lines[:rule]]
    assert sum(frames) == pytest.approx(float(lines[rule + 1].split(" frames")[0].split()[-1]), abs=0.1 * len(frames))


def test_a_terminal_is_redrawn_in_place_and_given_back():
    """As many lines up as were drawn; the cursor comes back; a message scrolls above."""
    out = io.StringIO()
    terminal = view.Terminal(out)
    terminal.draw([("", "one"), ("bad", "two")])
    terminal.draw([("", "one"), ("", "two")])
    assert out.getvalue().count("\x1b[2F") == 1 and out.getvalue().startswith("\x1b[?25l")
    terminal.say("hello")
    assert out.getvalue().endswith("\x1b[2F\x1b[Jhello\n")
    terminal.draw([("", "one")])
    terminal.close()
    terminal.close()
    assert out.getvalue().endswith("\x1b[?25h") and out.getvalue().count("\x1b[?25h") == 1


def test_a_terminal_that_becomes_narrower_keeps_no_broken_lines(monkeypatch):
    """Lines that were broken in three take three rows to go back; wider again, they are whole."""
    columns = [80]
    monkeypatch.setattr(view.shutil, "get_terminal_size", lambda: os.terminal_size((columns[0], 24)))
    out = io.StringIO()
    terminal = view.Terminal(out)
    for width, rows in ((80, None), (30, 3 + 1 + 1), (30, 3), (90, 3)):
        columns[0] = width
        before = out.tell()
        terminal.draw([("bad", "x" * min(79, terminal.width)), ("", ""), ("", "short")])
        assert out.getvalue()[before:].startswith("\x1b[?25l" if rows is None else f"\x1b[{rows}F")
    columns[0] = 40
    terminal.say("hello")
    assert out.getvalue().endswith("\x1b[4F\x1b[Jhello\n")


def test_the_cursor_comes_back_after_a_last_message():
    """A message said just before the end takes the block away, and the cursor is shown all the same."""
    out = io.StringIO()
    terminal = view.Terminal(out)
    terminal.draw([("", "one")])
    terminal.say("hello")
    terminal.close()
    assert out.getvalue().endswith("hello\n\x1b[?25h")


def test_a_terminal_that_has_gone_is_given_up_silently():
    """The music goes on."""

    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    terminal = view.Terminal(Gone())
    terminal.draw([("", "one")])
    terminal.say("two")
    terminal.close()
    assert terminal.gone
