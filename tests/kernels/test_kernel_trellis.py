"""The trellis finds the path that the recurrence, written out plainly, finds."""

import numpy as np
import pytest

from antiphon.kernels import KernelError, Trellis

COSTS = {"weight": 0.5, "doubt": 1e-4, "enter": -4.0, "rest": -3.0, "repeat": 3.0, "stroke": -1.2, "late": 0.7, "onset_floor": 0.02,
         "repeat_floor": 1e-4, "trust": 0.9}  # fmt: skip


class Plain:
    """Every hop kept, every step spelled out."""

    def __init__(self, notes, ages, stroke_ages=0):
        self.rest, self.last, self.before = notes - (2 if stroke_ages else 1), ages - 1, 0.0
        self.stroke, self.stroke_ages = self.rest + 1 if stroke_ages else None, stroke_ages
        self.score = np.full((ages, notes), -1e9)
        self.score[-1, self.rest] = 0.0
        self.came_from = []

    def process(self, post, onset):
        old, score = self.score, np.empty_like(self.score)
        near, self.before = max(onset, 0.7 * self.before), onset
        came_from = {}
        endings = {note: (old[self.last, note], self.last) for note in range(self.rest)}
        for note, least in ((self.rest, 0), (self.stroke, self.stroke_ages - 1)):
            if note is not None:
                best, age = max((old[age, note], -age) for age in range(least, self.last + 1))
                endings[note] = best, -age
        source = max(endings, key=lambda note: (endings[note][0], -note))
        ended, age_before = endings[source]
        for note in range(old.shape[1]):
            if note == self.stroke:
                enter = -1.2 + np.log(max(near, 1e-4))
            elif note == self.rest:
                enter = -1e9 if source == self.rest else -3.0
            elif note == source:
                enter = -4.0 + 3.0 + np.log(max(near, 1e-4))
            else:
                enter = -4.0 + np.log(max(near, 0.02))
            score[0, note], came_from[0, note] = ended + enter, (age_before, source)
            for age in range(1, self.last):
                score[age, note], came_from[age, note] = old[age - 1, note], (age - 1, note)
            stayed, aged = old[self.last, note] + np.log(1 - 0.9 * onset), old[self.last - 1, note]
            score[self.last, note] = max(stayed, aged)
            came_from[self.last, note] = (self.last, note) if stayed >= aged else (self.last - 1, note)
            score[:, note] += 0.5 * np.log(max(float(post[note]), 1e-30) if note == self.stroke else float(post[note]) + 1e-4)
        self.score = score - score.max()
        self.came_from.append(came_from)

    def trace(self, back):
        age, note = divmod(int(self.score.argmax()), self.score.shape[1])
        for step in range(back):
            age, note = self.came_from[-1 - step][age, note]
        return note, age == 0


def melody(rng, hops, notes):
    """Posteriors of notes that last and sometimes repeat, with rests, doubt and onsets that are late or missing."""
    post, onset = rng.dirichlet(np.full(notes, 0.2), hops).astype(np.float32), rng.uniform(0, 0.1, hops)
    at = 0
    while at < hops:
        length, note = int(rng.integers(2, 20)), int(rng.choice([notes - 1, *rng.integers(0, notes, 3)]))
        post[at : at + length] *= 0.4
        post[at : at + length, note] += 0.6
        onset[min(hops - 1, at + int(rng.integers(0, 2)))] = rng.choice([0.05, 0.6, 0.99])
        at += length
    return post, onset


@pytest.mark.parametrize(
    "notes, ages, back, strokes",
    [(77, 5, 5, 0), (4, 2, 1, 0), (12, 3, 9, 0), (78, 5, 5, 2), (6, 2, 1, 1), (9, 6, 9, 6)],
)
def test_it_finds_what_the_plain_recurrence_finds(notes, ages, back, strokes):
    """At every hop, the note and whether it began, at every distance back; without strokes and with them."""
    post, onset = melody(np.random.default_rng(notes), 400, notes)
    trellis, plain, heard = Trellis(notes, ages, back, strokes, **COSTS), Plain(notes, ages, strokes), []
    for hop in range(len(post)):
        trellis.process(post[hop], onset[hop])
        plain.process(post[hop], onset[hop])
        for distance in range(min(back, hop) + 1):
            assert trellis.trace(distance) == plain.trace(distance), (hop, distance)
        heard.append(trellis.trace(min(back, hop)))
    assert len({note for note, _ in heard}) > 3 and 10 < sum(entered for _, entered in heard) < 200


def test_a_stroke_is_shorter_than_any_note():
    """Two hops with an onset are a stroke where the class is one, and nothing where it is a note; probability 0 is never heard."""
    def hear(said, strokes):
        trellis, found = Trellis(78, 5, 5, strokes, **COSTS), []
        for hop in range(30):
            post = np.full(78, 0.001, np.float32)
            post[77] = 0.0
            post[said if 10 <= hop < 12 else 76] = 0.95
            trellis.process(post, 0.9 if hop == 10 else 0.0)
            found.append(trellis.trace(5)[0] if hop > 5 else 76)
        return set(found) - {76}

    assert hear(77, strokes=2) == {77}
    assert hear(30, strokes=2) == set()


def test_state_is_a_value():
    """Put back, it finds the same again; reset, it is as new."""
    post, onset = melody(np.random.default_rng(1), 60, 77)

    def follow(hops):
        found = []
        for hop in hops:
            trellis.process(post[hop], onset[hop])
            found.append(trellis.trace(min(hop, 5)))
        return found

    trellis = Trellis(77, 5, 5, **COSTS)
    first = follow(range(30))
    saved = trellis.state()
    second = follow(range(30, 60))
    trellis.set_state(saved)
    assert follow(range(30, 60)) == second
    trellis.reset()
    assert follow(range(30)) == first


def test_costs_and_hops_that_cannot_be_are_refused():
    """One note, one age, a logarithm of zero, a hop of another width."""
    for bad in ((1, 5, 5, COSTS), (77, 1, 5, COSTS), (77, 5, 0, COSTS), (300, 5, 5, COSTS), (77, 5, 5, {**COSTS, "doubt": 0.0}),
                (77, 5, 5, {**COSTS, "trust": 1.0})):  # fmt: skip
        with pytest.raises(KernelError):
            Trellis(*bad[:3], **bad[3])
    for sizes in ((2, 5, 5, 2), (78, 5, 5, 6)):
        with pytest.raises(KernelError):
            Trellis(*sizes, **COSTS)
    with pytest.raises(KernelError):
        Trellis(77, 5, 5, **COSTS).process(np.ones(76, np.float32), 0.0)
    trellis = Trellis(77, 5, 5, **COSTS)
    with pytest.raises(KernelError):
        trellis.trace(6)


@pytest.mark.parametrize("post, onset", [(np.nan, 0.0), (np.inf, 0.0), (-1.0, 0.0), (0.01, np.nan), (0.01, np.inf), (0.01, 2.0)])
def test_a_hop_of_no_probabilities_says_nothing(post, onset):
    """What was heard around it is found as if it had been doubtful: the note held goes on, and the next one is heard."""
    trellis, odd = Trellis(77, 5, 5, **COSTS), np.full(77, post, np.float32)
    even = Trellis(77, 5, 5, **COSTS)

    def hear(note, hops):
        said = np.full(77, 1e-3, np.float32)
        said[note] = 0.9
        for hop in range(hops):
            trellis.process(said, 0.5 if hop == 0 else 0.0)
            even.process(said, 0.5 if hop == 0 else 0.0)
            assert trellis.trace(0) == even.trace(0)

    hear(30, 20)
    trellis.process(odd, onset)
    even.process(np.full(77, 1 / 77, np.float32), 0.0)
    assert trellis.trace(0) == (30, False)
    hear(30, 3)
    hear(50, 20)
    assert trellis.trace(0) == (50, False)
