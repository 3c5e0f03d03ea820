"""What is held out is never learned from: no recording, no stretch and no tune is on two sides."""

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("soxr")
from antiphon.model.score import NOTE_LO, NOTES, Note  # noqa: E402
from antiphon.train import melodies, sides  # noqa: E402
from antiphon.train.ears import Hearing  # noqa: E402
from antiphon.train.material import Material, Source, line_of  # noqa: E402

HOP = 960


def hearing(hops, value, untrusted=()):
    """A recording of one long note, each hop of whose sound tells which recording it is of, and where."""
    sound = np.repeat(value + np.arange(hops) / 20_000, HOP).astype(np.float32)
    trusted = np.ones(hops, bool)
    trusted[list(untrusted)] = False
    note, pitch = np.full(2 * hops, 60, np.int16), np.full(2 * hops, 60.0, np.float32)
    return Hearing(sound, pitch, np.zeros(2 * hops, np.uint8), note, [Note(0, 60.0, hops)], trusted, hops * 0.02)


def material(hearings):
    sources = [Source(f"{n}.wav", f"{n * 7919 % 997:064x}", 1.0, 1.0, 1) for n in range(len(hearings))]
    return Material(sources, hearings, [], [])


def values(rows):
    """The steady value of every hop of rows, without the hops that fade."""
    found = [row["audio"].reshape(-1, HOP) for row in rows]
    return {int(hop[0]) for hops in found for hop in hops if hop.max() == hop.min()}


def test_with_many_recordings_each_is_on_one_side():
    rows = sides.rows(material([hearing(1000, 0.1 * n) for n in range(8)]))
    found = {side: {value // 3277 for value in values(rows[side])} for side in sides.SIDES}
    assert all(found.values())
    assert not found["train"] & found["held"] and not found["train"] & found["watched"] and not found["held"] & found["watched"]
    assert len(found["train"]) >= 4


@pytest.mark.parametrize("count", [1, 3])
def test_of_few_recordings_the_end_is_held_out(count):
    """Sides share no hop, and what is held comes after all that is learned from, of each recording."""
    rows = sides.rows(material([hearing(5000, 0.3 * n) for n in range(count)]))
    found = {side: values(rows[side]) for side in sides.SIDES}
    assert not found["train"] & found["held"] and not found["train"] & found["watched"] and not found["held"] & found["watched"]
    for n in range(count):
        low = round(0.3 * n * 32768)
        own = {side: [v - low for v in found[side] if 0 <= v - low < 0.29 * 32768] for side in sides.SIDES}
        assert max(own["train"]) < min(own["watched"]) and max(own["watched"]) < min(own["held"])


def test_what_is_not_trusted_is_in_no_row():
    rows = sides.rows(material([hearing(3000, 0.0, range(500, 900))]))
    lost = {round(hop / 20_000 * 32768) for hop in range(502, 898)}
    assert not lost & set.union(*(values(rows[side]) for side in sides.SIDES))


def test_rows_are_long_enough_to_learn_from():
    """5 to 10 s each, even of a side that has less."""
    for hops in (600, 3001, 12_345):
        for found in sides.rows(material([hearing(hops, 0.1)])).values():
            assert all(500 <= len(row["f0"]) <= 1000 and len(row["audio"]) == 480 * len(row["f0"]) for row in found)


def lines(count, seed=1, length=40):
    rng = np.random.default_rng(seed)
    pitches = [60 + np.cumsum(rng.integers(-4, 5, length)) % 24 for _ in range(count)]
    return [(np.stack([pitch, np.arange(length), np.ones(length)], 1), 0) for pitch in pitches]


def test_a_tune_is_on_one_side_in_whatever_key_it_is():
    found = lines(9)
    twice = [*found, *((notes + [5, 0, 0], 0) for notes, _ in found)]
    divided = sides.divided(melodies.lay(twice))
    intervals = {side: {tuple(np.diff(line)) for line in np.split(part.pitch, part.first[1:-1])} for side, part in divided.items()}
    assert all(intervals.values())
    assert not intervals["train"] & intervals["held"] and not intervals["train"] & intervals["watched"]
    assert sum(len(part) for part in divided.values()) == 18


def test_one_long_tune_is_divided_by_time():
    line = lines(1, length=400)[0]
    divided = sides.divided(melodies.lay([line]))
    assert [len(divided[side].pitch) for side in sides.SIDES] == [300, 40, 60]
    assert np.concatenate([divided[side].pitch for side in sides.SIDES]).tolist() == line[0][:, 0].astype(int).tolist()


def test_notes_heard_become_a_line_in_their_own_tuning():
    """A scale sung 40 cents flat is the scale; half the median wait is an eighth."""
    notes = [Note(25 * n, 60 + step - 0.4, 20) for n, step in enumerate([0, 2, 4, 5, 7, 9, 11, 12])]
    line, fifths = line_of(notes)
    assert line[:, 0].tolist() == [60, 62, 64, 65, 67, 69, 71, 72] and fifths == 0
    assert np.allclose(np.diff(line[:, 1]), 0.5) and np.allclose(line[:, 2], 0.4)


@pytest.mark.parametrize("shift", [-48, -12, 0, 36])
def test_a_line_beyond_the_range_of_notes_is_moved_by_octaves(shift):
    notes = lines(1)[0][0] + [shift, 0, 0]
    moved = sides.in_range(notes)
    assert ((moved[:, 0] - notes[:, 0]) % 12 == 0).all()
    assert (moved[:, 0] >= NOTE_LO).all() and (moved[:, 0] < NOTE_LO + NOTES).all()
