"""The guard: what is a quotation and what is not, held against a search of everything; and what the sampler makes of it."""

import dataclasses

import numpy as np
import pytest
from graphs import graph_or_skip

from antiphon.errors import BundleError
from antiphon.model import score
from antiphon.model.bundle import QUOTES, Bundle
from antiphon.model.notes import NoteModel
from antiphon.model.sampling import Leanings, chosen
from antiphon.model.score import Note
from antiphon.provenance.guard import COMMON, LOOSE, Guard
from antiphon.provenance.quotes import OCTAVE, Melody, Quotes, Work

TUNE = [0, 4, 2, 7, 5, 9, 4, 11, 7, 0, 5, 2, 9, 4, 12, 6, 1, 8, 3, 10]
WAITS = [2, 1, 1, 2, 3, 1, 2, 2, 1, 1, 4, 1, 2, 1, 1, 3, 1, 2, 1, 2]
ALL = np.ones(score.NOTES, bool)
MIDDLE = 30


def of(*tunes, **more):
    """An index of melodies (pitches, waits), each a family of its own unless it says otherwise."""
    works = [Work(f"work {n}", family=n, key=n, **more) for n in range(len(tunes))]
    return Quotes.of_melodies(Melody(work, np.array(p), np.array(w, float)) for work, (p, w) in zip(works, tunes, strict=True))


def line(pitches, waits, quarter=12):
    """Pitches and waits as the note model remembers them, the last wait not known."""
    bins = score.ioi_bin(np.maximum(2, np.round(np.array(waits, float) * quarter))).tolist()
    return list(pitches), [*bins[: len(pitches) - 1], score.NO_IOI], [True] * len(pitches)


def asked(guard, pitches, waits, quarter=12, theirs=None, allowed=ALL):
    pitches, bins, mine = line(pitches, waits, quarter)
    return guard.forbidden(pitches, bins, mine if theirs is None else theirs, allowed)


@pytest.fixture
def guard():
    return Guard(of((TUNE, WAITS)), score.IOI_CENTRE)


@pytest.mark.parametrize("move", [-20, -1, 0, 5, 19])
@pytest.mark.parametrize("quarter", [5, 12, 31])
def test_the_eighth_note_is_closed_in_any_key_and_at_any_tempo(guard, move, quarter):
    """Seven notes of a melody in its rhythm: its next note is closed, and no other. After six nothing is."""
    for first in range(len(TUNE) - 8):
        part = [MIDDLE + move + p for p in TUNE[first : first + 8]]
        assert asked(guard, part[:7], WAITS[first:], quarter) == [part[7]]
        assert asked(guard, part[:6], WAITS[first:], quarter) == []


def test_what_is_in_no_melody_is_open(guard):
    """One interval that is another, anywhere in the seven notes, and nothing is closed."""
    for changed in range(7):
        part = [MIDDLE + p + (n >= changed) for n, p in enumerate(TUNE[:7])]
        assert (asked(guard, part, WAITS) == []) == (changed > 0)
    part = (np.cumsum(np.random.default_rng(1).integers(-4, 5, 2000)) % 60).tolist()
    assert sum(bool(asked(guard, part[n : n + 20], WAITS)) for n in range(1980)) == 0


def test_another_rhythm_is_open_up_to_twelve_intervals(guard):
    """In even notes the melody may go on, until twelve of its intervals would be complete."""
    even = [1] * len(TUNE)
    part = [MIDDLE + p for p in TUNE]
    for n in range(4, len(TUNE)):
        assert asked(guard, part[:n], even) == ([part[n]] if n >= 12 else [])


def test_a_hop_more_or_less_is_the_same_rhythm_and_a_dotted_note_is_not(guard):
    """Transcribed onsets are off by a hop or so; 3:1 for 2:1 is another rhythm."""
    part = [MIDDLE + p for p in TUNE[:8]]
    hops = np.array(WAITS[:8]) * 15.0
    shaken = hops + [1, -1, 1, 1, -1, 0, 1, 0]
    assert asked(guard, part[:7], shaken, 1) == [part[7]]
    assert asked(guard, part[:7], np.array([3, 1, 3, 1, 3, 1, 3]) * 12, 1) == []


def test_the_performers_beginning_counts_and_the_wait_before_the_answer_fits_any(guard):
    """What the performer has begun is not completed, however long they paused before the answer's first note."""
    part, waits = [MIDDLE + p for p in TUNE[:8]], list(WAITS[:8])
    waits[3] = 14
    theirs = [True] * 4 + [False] * 3
    assert asked(guard, part[:7], waits, theirs=theirs) == [part[7]]
    assert asked(guard, part[:7], waits, theirs=[True] * 7) == []


@pytest.mark.parametrize("plain", [[0] * 20, [0, 2] * 10, list(range(0, 40, 2)), [0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19]])
def test_repetitions_trills_and_scales_are_nobodys(plain):
    guard = Guard(of((plain, [1] * len(plain))), score.IOI_CENTRE)
    for n in range(2, len(plain)):
        assert asked(guard, [MIDDLE + p for p in plain[:n]], [1] * n) == []


def test_what_many_families_have_is_nobodys_until_it_goes_on_with_one():
    """A run that more than COMMON families have is a formula; variants of one tune are one family. As soon as the run goes further
    back with fewer of them, it is theirs."""
    tail, waits = TUNE[4:14], WAITS[:11]
    several = [([p - 1 - n, *tail], waits) for n, p in enumerate([tail[0]] * (COMMON + 1))]
    part = [MIDDLE + p for p in tail]
    assert asked(Guard(of(*several), score.IOI_CENTRE), part[:8], waits[1:]) == []
    assert asked(Guard(of(*several[:COMMON]), score.IOI_CENTRE), part[:8], waits[1:]) == [part[8]]
    longer = [MIDDLE + several[0][0][0], *part]
    assert asked(Guard(of(*several), score.IOI_CENTRE), longer[:9], waits) == [longer[9]]
    work = Work("one tune", family=3)
    keyed = [(dataclasses.replace(work, key=n), *one) for n, one in enumerate(several)]
    variants = Quotes.of_melodies(Melody(named, np.array(p), np.array(w)) for named, p, w in keyed)
    assert asked(Guard(variants, score.IOI_CENTRE), part[:8], waits[1:]) == [part[8]]


def test_what_is_the_players_own_is_open():
    """Also where a melody of others has it: a run in a work of theirs is never closed, in whatever rhythm."""
    others, own = of((TUNE, WAITS)), Melody(Work("mine", own=True), np.array(TUNE) + 7, np.array(WAITS[::-1]))
    part = [MIDDLE + p for p in TUNE]
    for n in range(7, len(TUNE)):
        assert asked(Guard(others, score.IOI_CENTRE), part[:n], WAITS) == [part[n]]
        assert asked(Guard(others.joined([own]), score.IOI_CENTRE), part[:n], WAITS) == []
        protected = dataclasses.replace(own, work=Work("theirs"))
        assert asked(Guard(others.joined([protected]), score.IOI_CENTRE), part[:n], WAITS) == [part[n]]


def test_a_registered_work_is_guarded_whoever_else_has_it():
    """A formula that four tunes have is free; once one of them is registered too, it is not."""
    four = of(*[(TUNE, WAITS)] * 4)
    part = [MIDDLE + p for p in TUNE[:8]]
    assert asked(Guard(four, score.IOI_CENTRE), part[:7], WAITS) == []
    registered = four.joined([Melody(Work("registered"), np.array(TUNE), np.array(WAITS))])
    guard = Guard(registered, score.IOI_CENTRE)
    assert asked(guard, part[:7], WAITS) == [part[7]]
    guard.hit(part[7])
    assert registered.works[guard.last.work].title == "registered" and guard.last.notes == 8


def test_a_beginning_found_at_a_thousand_places_hides_no_quotation():
    """Two hundred tunes repeat a note and leave it in some ways, and one in its own: to go on that way is closed."""
    many = [([0] * 16 + [n % 7 - 3, 0, 2, 4], [1] * 20) for n in range(200)]
    guard = Guard(of(*many, ([0] * 16 + [9, 1, 4], [1] * 19)), score.IOI_CENTRE)
    for n in (9, 14, 16):
        assert asked(guard, [MIDDLE] * n, [1] * n) == [MIDDLE + 9]
        assert asked(guard, [MIDDLE] * n + [MIDDLE + 9], [1] * (n + 1)) == [MIDDLE + 1]


def test_off_is_off(guard):
    """0 notes and 0 intervals: nothing is closed. Other numbers close the note that would make them full."""
    part = [MIDDLE + p for p in TUNE]
    guard.ask(0, 0)
    assert not any(asked(guard, part[:n], WAITS) for n in range(2, len(part)))
    guard.ask(5, 0)
    assert [bool(asked(guard, part[:n], WAITS)) for n in (3, 4, 9)] == [False, True, True]
    guard.ask(0, 15)
    assert [bool(asked(guard, part[:n], WAITS)) for n in (14, 15, 16)] == [False, True, True]
    guard.ask(20, 0)
    assert [bool(asked(guard, part[:n], WAITS)) for n in (18, 19)] == [False, True]


def test_wide_leaps_are_closed_with_all_that_are_as_wide():
    leaping = [0, 3, 1, 6, 2, 5, 0, 20, 3]
    guard = Guard(of((leaping, [1] * 9)), score.IOI_CENTRE)
    closed = asked(guard, [20 + p for p in leaping[:7]], [1] * 9)
    assert closed[0] == 35 and 40 in closed and closed == list(range(35, score.NOTES))


def test_where_nothing_else_is_allowed_it_passes_and_is_counted(guard):
    part = [MIDDLE + p for p in TUNE[:8]]
    only = np.zeros(score.NOTES, bool)
    only[part[7]] = True
    assert asked(guard, part[:7], WAITS, allowed=only) == [] and guard.unavoidable == 1
    only[part[7] + 2] = True
    assert asked(guard, part[:7], WAITS, allowed=only) == [part[7]] and guard.unavoidable == 1
    only[part[7]] = False
    assert asked(guard, part[:7], WAITS, allowed=only) == []


def test_it_agrees_with_a_search_through_everything():
    """Random lines over three intervals and two waits, in twelve melodies of the like, the last of which are registered, and one is
    the player's own: the same classes are closed as by hand."""
    rng = np.random.default_rng(3)
    tunes = [((0 + np.cumsum(rng.choice([-2, 3, 5], 60)) % 12).tolist(), rng.choice([1, 2], 60).tolist()) for _ in range(12)]
    more = [Melody(Work(f"registered {n}", own=n == 11), *map(np.array, tunes[n])) for n in (9, 10, 11)]
    guard = Guard(of(*tunes[:9]).joined(more), score.IOI_CENTRE)
    guard.ask(6, 8)
    found = 0
    for _ in range(400):
        tune, start = tunes[rng.integers(12)], rng.integers(0, 40)
        pitches, waits = np.array(tune[0][start : start + 14]) + MIDDLE, np.array(tune[1][start : start + 14])
        pitches[: rng.integers(0, 8)] += 1
        closed = set(asked(guard, pitches.tolist(), waits.tolist()))
        assert closed == _by_hand(tunes, pitches.tolist(), waits.tolist(), 6, 8)
        found += bool(closed)
    assert found > 40


def _by_hand(tunes, pitches, waits, notes, intervals):
    steps, closed = np.diff(pitches), set()
    log = OCTAVE * np.log2(score.IOI_CENTRE[score.ioi_bin(np.array(waits) * 12)])
    slack = OCTAVE * np.log2(1 + 1 / score.IOI_CENTRE[score.ioi_bin(np.array(waits) * 12)])
    for least, rhythm in ((notes - 2, True), (intervals - 1, False)):
        runs, own = {}, set()
        for family, (other, beat) in enumerate(tunes):
            theirs, beats = np.clip(np.diff(other), -15, 15), np.round(OCTAVE * np.log2(beat))
            for end in range(len(theirs)):
                run, before = 0, None
                while run < len(steps) and run < end and theirs[end - 1 - run] == steps[-1 - run]:
                    slower = beats[end - 1 - run] - log[len(steps) - 1 - run]
                    allowed = LOOSE + slack[len(steps) - 1 - run] + (before[1] if before else 0)
                    if rhythm and family < 11 and before and abs(slower - before[0]) > allowed:
                        break
                    before, run = (slower, slack[len(steps) - 1 - run]), run + 1
                if run >= least and family == 11:
                    own.add(int(theirs[end]))
                elif run >= least:
                    runs.setdefault(int(theirs[end]), []).append((run, family))
        for step, some in runs.items():
            for group in ([one for one in some if one[1] < 9], [one for one in some if one[1] >= 9]):
                best = max((run for run, _ in group), default=0)
                whole = [*steps[len(steps) - best :].tolist(), step]
                in_turn = all(a == b for a, b in zip(whole, whole[2:], strict=False))
                plain = in_turn or set(whole) <= {1, 2} or set(whole) <= {-1, -2}
                few = group and (group[0][1] >= 9 or len({family for run, family in group if run == best}) <= COMMON)
                if few and not plain and step not in own:
                    closed.add(pitches[-1] + step)
    return closed


def test_the_length_of_the_match_is_told(guard):
    part = [MIDDLE + p for p in TUNE]
    for n in range(2, len(part)):
        asked(guard, part[:n], WAITS)
        assert guard.length == n
    asked(guard, [MIDDLE, MIDDLE + 13], WAITS)
    assert guard.length == 0


def test_what_is_packed_comes_back_and_what_is_no_index_is_refused(tmp_path):
    quotes = of((TUNE, WAITS), (TUNE[::-1], WAITS), source="here", licence="CC0")
    again = Quotes.unpack(quotes.pack())
    assert again.works == quotes.works
    for name in ("codes", "waits", "of", "families", "words", "ends", "nexts"):
        assert np.array_equal(getattr(again, name), getattr(quotes, name)), name
    packed = quotes.pack()
    for broken in (packed[:-1], packed[4:], np.zeros(9, np.uint8), np.zeros(0, np.uint8)):
        with pytest.raises(ValueError):
            Quotes.unpack(broken)
    np.save(tmp_path / "quotes.npy", np.zeros((2, 2)))
    for path in (tmp_path / "quotes.npy", tmp_path / "nowhere.npy"):
        with pytest.raises(BundleError, match="install the bundle again"):
            Quotes.load(path)
    assert len(Quotes.empty().joined([]).works) == 0


# ---------------------------------------------------------------- with the note model


@pytest.fixture(scope="module")
def graph():
    return graph_or_skip("notes")


def sing(model, tune, seed=1, count=60, wait=15):
    model.reset(seed)
    for n, pitch in enumerate(tune):
        model.push(Note(n * wait, 60.0 + pitch, wait - 2))
    leanings = Leanings()
    model.open(len(tune) * wait, leanings)
    return [model.next(leanings) for _ in range(count)]


def test_an_answer_to_a_melody_does_not_play_it_on(graph):
    """A melody is sung twice: without a guard the answer takes it up, with it never more of it than the twelve intervals allow."""
    tune = [0, 4, 2, 7, 5, 9, 4, 11, 7, 0]
    quotes = of((tune * 3, [1] * 30))
    longest = {}
    for name, guard in (("open", None), ("guarded", Guard(quotes, score.IOI_CENTRE))):
        model = NoteModel(graph, guard=guard)
        for seed in range(4):
            sung = sing(model, tune * 2, seed)
            line = [round(60 + p) for p in tune * 2] + [round(note.pitch) for note in sung]
            steps, theirs = np.diff(line).tolist(), np.diff(tune * 3).tolist()
            for i in range(len(tune * 2), len(line)):
                run = max(_run(steps[:i], theirs[:end]) for end in range(1, len(theirs) + 1))
                longest[name] = max(longest.get(name, 0), run + 1)
    assert longest["open"] > 13
    assert longest["guarded"] <= 12
    assert guard.hits > 0 and guard.last.work == 0


def _run(one, two):
    run = 0
    while run < min(len(one), len(two)) and one[-1 - run] == two[-1 - run]:
        run += 1
    return run


def test_a_guard_with_nothing_to_guard_changes_no_note(graph):
    tune = [0, 2, 4, 5, 7, 4, 2, 0, 4, 7, 9, 7]
    bare = sing(NoteModel(graph), tune)
    away = Guard(of((TUNE, WAITS)), score.IOI_CENTRE)
    assert sing(NoteModel(graph, guard=Guard(Quotes.empty(), score.IOI_CENTRE)), tune) == bare
    assert sing(NoteModel(graph, guard=away), tune) == bare and away.hits == 0


class Watching:
    """Closes nothing that matters: one class far away, so that the note model works out what it would have chosen."""

    def __init__(self):
        self.hits = []

    def forbidden(self, pitches, iois, theirs, allowed):
        return [0]

    def hit(self, note_class):
        self.hits.append(note_class)


@pytest.mark.parametrize("leanings", [Leanings(), Leanings(temperature=2.0, novelty=1.0), Leanings(top_p=0.6, temperature=1.5)])
def test_what_would_have_been_chosen_is_what_the_graph_chooses(graph, leanings):
    """The count of hits rests on this: chosen in NumPy as in the graph, at every note."""
    model = NoteModel(graph)
    model.reset(3)
    for n, pitch in enumerate(TUNE):
        model.push(Note(n * 15, 55.0 + pitch, 13))
    model.open(len(TUNE) * 15, leanings)
    for _ in range(80):
        model.next(leanings)
        inputs, outputs = model._graph.inputs, model._graph.outputs
        wanted = outputs["logits"][0, -score.NOTES :] * inputs["sharpness"][1] + inputs["pitch_bias"]
        first = chosen(wanted, inputs["noise"][-score.NOTES :], float(inputs["top_p"][0]))
        assert first == outputs["pitch"][0]


def test_a_class_that_nobody_wanted_is_no_hit(graph):
    watching = Watching()
    bare = sing(NoteModel(graph), TUNE[:12])
    assert sing(NoteModel(graph, guard=watching), TUNE[:12]) == bare
    assert watching.hits == []


def test_the_bundle_knows_its_melodies():
    """The constant lies in the bundle, is small, and every melody in it has a name, a source and a licence."""
    bundle = Bundle.open("hum")
    path = bundle.constant(QUOTES)
    assert path is not None and path.stat().st_size < 2_000_000
    quotes = Quotes.load(path)
    assert len(quotes.works) > 5000 and len(quotes.waits) > 600_000
    assert all(work.title and work.source and work.licence for work in quotes.works)
    kept = sum(getattr(quotes, name).nbytes for name in ("words", "ends", "nexts", "codes", "waits", "of"))
    assert kept < 30_000_000
