"""The phrase detector finds phrases in rooms, and nothing where nobody performs.

Hops are simulated as the tokenizer reports them: (loudness dB, voiced, onset) every 20 ms.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.perform.phrase import FLOOR_MAX_DB, FLOOR_MIN_DB, PhraseDetector

HOPS = 50  # a second
GAP = 30  # 0.6 s
MARGIN = 10.0


def room(seconds, level_db, spread_db=0.3, seed=0, voiced_share=0.0):
    """Noise: its level wavers, now and then a hop is mistaken for voiced."""
    rng = np.random.default_rng(seed)
    n = int(seconds * HOPS)
    return [(level_db + spread_db * rng.standard_normal(), rng.random() < voiced_share, False) for _ in range(n)]


def sung(seconds, level_db=-20.0, seed=1, wobble_db=1.5, vibrato_db=1.0):
    """A sung phrase of notes of 300 ms: an onset each, a level that lives."""
    rng = np.random.default_rng(seed)
    hops = []
    note_db = level_db
    for k in range(int(seconds * HOPS)):
        if k % 15 == 0:
            note_db = level_db + wobble_db * rng.standard_normal()
        hops.append((note_db + vibrato_db * math.sin(k * 0.7), True, k % 15 == 0))
    return hops


def steady(seconds, level_db, voiced=True):
    """A tone that does not move: hum, or an organ."""
    return [(level_db + 0.05 * math.sin(k), voiced, k == 0) for k in range(int(seconds * HOPS))]


def over(hops, floor_hops):
    """Add two sounds by power; voiced and onset where the louder one is."""
    mixed = []
    for (a, a_voiced, a_onset), (b, b_voiced, b_onset) in zip(hops, floor_hops, strict=True):
        level = 10 * math.log10(10 ** (a / 10) + 10 ** (b / 10))
        mixed.append((level, a_voiced if a > b else b_voiced, a_onset if a > b else b_onset))
    return mixed


def run(hops, margin_db=MARGIN, gap=GAP, detector=None):
    """Give the hops at which phrases began, ended (worth answering) and were mistaken."""
    detector = detector or PhraseDetector()
    found = {"began": [], "ended": [], "mistaken": []}
    for k, (db, voiced, onset) in enumerate(hops):
        heard = detector.step(db, voiced, onset, margin_db, gap)
        for name in found:
            if getattr(heard, name):
                found[name].append(k)
    return found, detector


@pytest.mark.parametrize("floor_db", [-120.0, -75.0, -60.0, -50.0, -42.0])
def test_a_phrase_in_any_room_begins_at_its_first_hop_and_ends_a_gap_after_its_last(floor_db):
    """From digital silence to a noisy club, once the room has been heard for two seconds."""
    background = room(8, floor_db)
    hops = background[:100] + over(sung(3), background[100:250]) + background[250:]
    found, _ = run(hops)
    assert found["began"][-1] == 100 and found["ended"] == [250 + GAP - 1]


def test_two_phrases_are_two():
    """A pause longer than the gap divides, a shorter one does not."""
    quiet = room(1, -70)
    found, _ = run(quiet + sung(1) + quiet + sung(1) + quiet)
    assert len(found["ended"]) == 2
    found, _ = run(quiet + sung(1) + quiet[:20] + sung(1) + quiet)
    assert len(found["ended"]) == 1


@pytest.mark.parametrize("level_db", [-70, -55, -40, -33])
@pytest.mark.parametrize("spread_db", [0.3, 2.0])
@pytest.mark.parametrize("voiced_share", [0.0, 0.05])
def test_a_fan_alone_is_never_a_phrase(level_db, spread_db, voiced_share):
    """Noise of any level, steady or rumbling, with stray voiced hops: nothing to answer, in a minute."""
    found, _ = run(room(60, level_db, spread_db, voiced_share=voiced_share))
    assert found["ended"] == []


@pytest.mark.parametrize("level_db", [-65, -50, -35])
def test_mains_hum_alone_is_never_a_phrase(level_db):
    """A tone that never moves is the room, though it is voiced."""
    found, detector = run(steady(60, level_db))
    assert found["ended"] == []
    assert detector.floor_db == pytest.approx(level_db, abs=1.0)


def test_a_fan_that_is_switched_on_becomes_the_room_and_a_phrase_over_it_is_still_found():
    """The floor rises by evidence within three seconds, falls when the fan is switched off, and phrases go on."""
    fan = room(10, -45, seed=3)
    hops = room(5, -70) + fan[:250] + over(sung(2), fan[250:350]) + fan[350:]
    found, detector = run(hops)
    assert found["ended"] == [5 * HOPS + 350 + GAP - 1]
    assert detector.floor_db == pytest.approx(-45, abs=2.5)
    found, detector = run(room(3, -70) + sung(1) + room(1, -70), detector=detector)
    assert len(found["ended"]) == 1 and detector.floor_db < -65


def test_a_phrase_over_hum_ends_when_the_performer_stops():
    """Hum at -45 dB under a phrase at -20 from the very first hop: the phrase ends within 3 s of its last note."""
    hum = steady(12, -45)
    hops = over(sung(4) + [(-120.0, False, False)] * 400, hum)
    found, _ = run(hops)
    assert len(found["ended"]) == 1 and 4 * HOPS < found["ended"][0] < 7 * HOPS


def test_breath_is_not_a_phrase_and_does_not_keep_one_alive():
    """An unvoiced swell 15 dB over the floor begins nothing; after a phrase it counts as silence."""
    breath = [(-70 + 20 * math.sin(math.pi * k / 30), False, False) for k in range(30)]
    quiet = room(2, -70)
    found, _ = run(quiet + breath + quiet + breath + quiet)
    assert found["began"] == []
    found, _ = run(quiet + sung(2) + breath + quiet)
    assert found["ended"] == [100 + 100 + GAP - 1]


def test_a_slow_fade_out_is_one_phrase_that_ends_when_it_has_sunk_into_the_room():
    """A note that dies at 3 dB a second is not cut short, and not counted as several."""
    fade = [(-20 - 3 * k / HOPS, True, k == 0) for k in range(16 * HOPS)]
    quiet = room(20, -60)
    hops = quiet[:100] + over(fade, quiet[100:900]) + quiet[:200]
    found, detector = run(hops)
    assert len(found["ended"]) == 1 and not found["mistaken"]
    assert found["ended"][0] > 100 + 9 * HOPS
    assert detector.floor_db == pytest.approx(-60, abs=2.5)


def test_a_slow_swell_is_one_phrase():
    """A note that grows from nothing at 4 dB a second does not carry the floor up with it."""
    swell = [(-70 + 4 * k / HOPS, True, False) for k in range(12 * HOPS)]
    found, detector = run(room(2, -75) + swell + room(2, -75))
    assert len(found["ended"]) == 1 and detector.floor_db < -65


def test_a_held_note_does_not_become_the_room():
    """Fifteen seconds on one note, alive by 3 dB, remain one phrase."""
    held = [(-25 + 1.6 * math.sin(k / 17), True, k == 0) for k in range(15 * HOPS)]
    found, _ = run(room(2, -65) + held + room(2, -65))
    assert len(found["ended"]) == 1 and not found["mistaken"]


@pytest.mark.parametrize("seconds", [2, 7])
def test_a_clipping_microphone_is_still_a_performer(seconds):
    """A square wave at full scale neither moves nor stops; it is a phrase, and ends."""
    found, detector = run(room(1, -60) + steady(seconds, -0.5) + room(2, -60))
    assert len(found["ended"]) == 1 and detector.floor_db <= FLOOR_MAX_DB


@pytest.mark.parametrize("nothing", [-math.inf, math.nan, -120.0, -500.0])
def test_no_input_at_all_is_silence(nothing):
    """A cable that is not plugged in gives nothing to answer, and the first real note after it is found at once."""
    found, detector = run([(nothing, False, False)] * 500)
    assert found == {"began": [], "ended": [], "mistaken": []} and detector.floor_db >= FLOOR_MIN_DB
    found, _ = run(sung(1, -45) + [(nothing, False, False)] * 50, detector=detector)
    assert found["began"] == [0] and len(found["ended"]) == 1


def test_a_knock_is_not_answered_and_drumming_is():
    """One thump is a mistake, a rhythm is a phrase, though none of it is voiced."""
    thump = [(-15 - 4 * k, False, k == 0) for k in range(12)]
    quiet = room(2, -70)
    found, _ = run(quiet + thump + quiet)
    assert found["ended"] == [] and len(found["mistaken"]) == 1
    found, _ = run(quiet + thump * 8 + quiet)
    assert len(found["ended"]) == 1


@pytest.mark.parametrize("level_db", [-12, -35, -50])
@pytest.mark.parametrize("wait", [6, 13, 25])
def test_taps_with_silence_between_them_are_one_phrase(level_db, wait):
    """Fingers on a table, 60 ms each, unvoiced, soft or loud: the phrase ends a gap after the last of them."""
    quiet = room(4, -70)
    tap = [(level_db, False, True), (level_db - 9, False, False), (level_db - 20, False, False)]
    hops = quiet[:100] + over((tap + [(-120.0, False, False)] * (wait - 3)) * 10, room(wait / HOPS * 10, -70)) + quiet
    found, _ = run(hops)
    assert found["began"] == [100] and len(found["ended"]) == 1 and not found["mistaken"]
    assert GAP <= found["ended"][0] - (100 + 9 * wait) <= GAP + 12


def test_drumming_does_not_raise_the_floor():
    """Half a minute of unvoiced strokes stays a phrase from beginning to end."""
    thump = [(-15 - 2.5 * k, False, k == 0) for k in range(12)]
    found, _ = run(room(2, -70) + thump * 125 + room(2, -70))
    assert len(found["ended"]) == 1 and not found["mistaken"]


def test_chords_that_ring_are_not_taken_for_a_fan():
    """Unvoiced, since they are several notes at once, and dying by 8 dB a second: one phrase of twelve seconds."""
    chord = [(-30 - 8 * k / HOPS, False, k == 0) for k in range(2 * HOPS)]
    found, detector = run(room(2, -65) + chord * 6 + room(3, -65))
    assert len(found["ended"]) == 1 and not found["mistaken"] and detector.floor_db < -60


def test_a_performer_who_is_there_from_the_first_hop_is_a_phrase():
    """A recording that begins in the middle of a note needs no room first."""
    found, _ = run(sung(2) + room(2, -65))
    assert found["began"][0] == 0 and len(found["ended"]) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(st.floats(-130, 20), st.just(math.nan), st.just(-math.inf)), st.booleans(), st.booleans()),
        max_size=300,
    ),
    st.floats(3, 40),
    st.floats(1, 100),
)
def test_whatever_comes_in_the_floor_is_finite_and_beginnings_and_ends_alternate(hops, margin_db, gap):
    """No sequence of hops makes the detector lose its place."""
    detector = PhraseDetector()
    open_phrase = False
    for db, voiced, onset in hops:
        heard = detector.step(db, voiced, onset, margin_db, gap)
        assert FLOOR_MIN_DB <= detector.floor_db <= max(FLOOR_MAX_DB, -60.0)
        assert not (heard.began and open_phrase)
        assert not ((heard.ended or heard.mistaken) and not open_phrase)
        open_phrase = (open_phrase or heard.began) and not (heard.ended or heard.mistaken)
        assert detector.in_phrase == open_phrase
