"""The lead that grows: made-up late steps, and what becomes of the lead."""

from __future__ import annotations

import pytest

from antiphon.model.lead import GrowingLead, most_frames

RATE, SIX_MS = 48_000, 288


def _after(late, samplerate=RATE, lead_frames=SIX_MS):
    """The lead after each of (seconds, ms behind)."""
    growing, leads = GrowingLead(samplerate), []
    for at_s, behind_ms in late:
        lead_frames = growing.late(round(at_s * samplerate), round(behind_ms * samplerate / 1000), lead_frames)
        leads.append(lead_frames)
    return leads


def test_the_third_late_step_in_ten_seconds_makes_it_grow():
    """Two are chance. At the third it is as long as the second worst needed, to a whole millisecond."""
    assert _after([(1, 3.2), (2, 4.5), (9, 7)]) == [288, 288, 11 * 48]
    assert _after([(1, 7), (2, 4.5), (9, 3.2)])[-1] == 11 * 48, "the order is nothing to it"


def test_late_steps_that_are_long_ago_count_no_more():
    """One every six seconds, for an hour: two in any ten seconds."""
    assert set(_after([(6 * n, 5) for n in range(600)])) == {288}


def test_it_grows_by_two_milliseconds_at_least():
    assert _after([(1, 0.1), (2, 0.1), (3, 0.1)])[-1] == 8 * 48


def test_it_is_never_longer_than_a_hop():
    """However often and late: 20 ms, and there it stays."""
    leads = _after([(0.5 * n, 1 + n % 14) for n in range(200)])
    assert max(leads) == leads[-1] == 20 * 48 == most_frames(RATE, SIX_MS)
    assert all(b >= a for a, b in zip(leads, leads[1:], strict=False)), "it shrank"
    assert _after([(n, 1) for n in range(9)], lead_frames=30 * 48)[-1] == 30 * 48
    assert most_frames(RATE, 30 * 48) == 30 * 48


def test_what_no_lead_could_cover_asks_for_none():
    """A machine that stands still for 40 ms at a time is not mended by latency; its small delays are."""
    assert set(_after([(n, 40) for n in range(20)])) == {288}
    assert _after([(1, 40), (2, 3), (3, 60)])[-1] == 9 * 48


def test_it_learns_anew_after_it_has_grown():
    """Steps that were late by the shorter lead say nothing of the longer one: the next three decide."""
    leads = _after([(1, 2), (2, 2), (3, 2), (4, 5), (5, 5), (6, 5)])
    assert leads == [288, 288, 384, 384, 384, 13 * 48]


@pytest.mark.parametrize("samplerate", [8_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("behind", [1, 37, 100])
def test_it_covers_what_it_was_told_at_any_rate(samplerate, behind):
    """To the frame: a lead that is one frame short is late as often as before."""
    lead = round(0.006 * samplerate)
    growing = GrowingLead(samplerate)
    for at in (0, 1, 2):
        grown = growing.late(at, behind, lead)
    assert grown >= lead + behind
    assert (grown - 1) * 1000 // samplerate < round(grown * 1000 / samplerate) <= 20
