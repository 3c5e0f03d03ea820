"""Feeds are made of one look: every field in its place, whatever a status lacks."""

import math

import pytest

from antiphon.control.feedback import FEED_NAMES, FEEDS, LATENCY_TERMS, feeds
from antiphon.latency import Timeline, latency
from antiphon.params import REGISTRY

STATUS = {
    "frames": 96_000, "samplerate": 48_000, "peak_in_db": -12.0, "rms_in_db": -20.0, "peak_voice_db": -9.0, "peak_out_db": -6.0,
    "rms_out_db": -15.0, "limiter_db": -0.5, "pitch_heard": 69.25, "pitch_played": 0.0, "xruns": 1, "underflows": 2, "overflows": 3,
    "late": 4, "restarts": 5, "step_ns_p50": 2_500_000, "step_ns_p99": 6_000_000, "key_heard": "eb", "scale_heard": "dorian",
    "tempo_heard": 92.0, "plan": ((1.5, 60.0, 0.25), (1.9, 62.0, 0.4), (2.3, 64.0, 0.2), (2.6, 65.0, 0.2)),
}  # fmt: skip


def test_every_feed_says_what_it_is_for():
    made = feeds(STATUS, {"sum": 28.7, "hop": 20.0, "lead": 6.0}, {"accepted": 7, "refused": 1, "malformed": 2, "silenced": 3})
    assert made["meters"] == (-12.0, -20.0, -9.0, -6.0, -15.0, -0.5)
    assert made["pitch"] == (69.25, 0.0)
    assert made["notes"] == pytest.approx((-0.1, 62.0, 0.4, 0.3, 64.0, 0.2, 92.0, 0.0))
    assert made["heard"] == ("eb", "dorian", 92.0)
    assert made["latency"] == (28.7, 0.0, 0.0, 20.0, 0.0, 6.0, 0.0, 0.0)
    assert made["health"] == (1, 2, 3, 4, 5, 2.5, 6.0, 7, 1, 2, 3)


def test_the_beat_is_the_next_one_and_its_tempo_comes_before_what_is_heard():
    """A beat at 0.25 s and 120 bpm: at 2 s the next is 0.25 s away."""
    assert feeds(STATUS, {}, {}, 2.0, (0.25, 120.0))["notes"][-2:] == pytest.approx((120.0, 0.25))
    assert feeds(STATUS, {}, {}, 2.0, (5.1, 60.0))["notes"][-2:] == pytest.approx((60.0, 0.1))
    assert feeds(STATUS, {}, {}, 2.0, (5.1, 0.0))["notes"][-2:] == (92.0, 0.0)


def test_a_note_whose_length_is_open_sounds_until_another_does():
    """Length 0: told as it is; the line's tempo comes before the performer's."""
    made = feeds({**STATUS, "plan": ((1.5, 60.0, 0.0), (2.25, 62.0, 0.0)), "tempo": 120.0}, {}, {})
    assert made["notes"] == pytest.approx((-0.5, 60.0, 0.0, 0.25, 62.0, 0.0, 120.0, 0.0))
    assert feeds({**STATUS, "plan": ((1.5, 60.0, 0.2),)}, {}, {})["notes"][:6] == (0.0,) * 6


@pytest.mark.parametrize("status", [
    {}, {"plan": (), "pitch_heard": None}, {"pitch_heard": math.nan, "late": math.inf, "peak_in_db": "?"},
])  # fmt: skip
def test_what_is_not_there_is_nothing_and_all_fields_are(status):
    """A patch unpacks by place: as many values as fields, each of its type, none that is no number."""
    made = feeds(status, {}, {})
    assert tuple(made) == FEED_NAMES
    for feed in FEEDS:
        assert len(made[feed.name]) == len(feed.fields)
        for field, value in zip(feed.fields, made[feed.name], strict=True):
            assert isinstance(value, {"f": float, "i": int, "s": str}[field.tag]), (feed.name, field.name)
            assert field.tag == "s" or math.isfinite(value)


def test_the_terms_are_those_of_the_sum():
    """By the names that `doctor` prints."""
    assert tuple(name for name, _, _ in latency(Timeline(48_000, 128, 288), 0, 0).rows) == LATENCY_TERMS


def test_no_feed_has_a_rows_name():
    """`subscribe pitch` is one thing; nor may a row be called as what OSC says of itself."""
    reserved = {*FEED_NAMES, "echo", "error", "status", "feed", "subscribe", "unsubscribe"}
    assert not reserved & {path.split("/")[0] for path in REGISTRY.paths}
