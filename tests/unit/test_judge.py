"""The figures of an evaluation say what happened: to answers, to holds, to what is heard, and to whom."""

from dataclasses import fields

import numpy as np
import pytest

pytest.importorskip("soxr")
pytest.importorskip("onnxruntime")
from antiphon.model.score import Note  # noqa: E402
from antiphon.train import hearing, hold, judge, music, table  # noqa: E402
from antiphon.train.clips import Clip  # noqa: E402

RATE = 48_000
STEP = 0.016
NAN = float("nan")


def track(pitch, seconds):
    at = np.arange(0.0, seconds, STEP)
    return music.Track(at, np.full(len(at), float(pitch)), np.full(len(at), pitch > 0))


def noise(seconds, seed=1):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def prompt_of(sound, pitch=60.0, name="a"):
    line = track(pitch, len(sound) / RATE)
    return judge.Prompt(name, sound, line, music.notes(line), -20.0, np.arange(40.0))


def answered(clip="a", seed=1, **said):
    """An answer of which only so much is known."""
    unknown = {field.name: NAN for field in fields(judge.Answer)} | {"timbre_rank": 0, "peak": 0.5, "silence": 0.1}
    return judge.Answer(**(unknown | {"clip": clip, "seed": seed} | said))


@pytest.fixture
def tracked(monkeypatch):
    """Sound whose pitch is 60, whatever it is."""
    monkeypatch.setattr(music, "track", lambda sound, samplerate: track(60, len(sound) / samplerate))


def test_a_recording_that_goes_on_is_judged_as_an_answer_would_be(tracked):
    """From where the prompt was cut; less than four seconds of it say nothing."""
    sound = noise(10.0)
    prompt = prompt_of(sound[: 5 * RATE])
    real = judge.truth(prompt, sound, 15.0, np.eye(2, 40))
    assert (real.seed, real.clip, real.register_st, real.limited) == (0, "a", 0.0, 0.0)
    assert real.seam_step <= 1.0, "nothing was joined"
    assert judge.truth(prompt, sound[: 9 * RATE - 1], 15.0, np.eye(2, 40)) is None


def test_expression_is_looked_for_in_windows_as_long_as_the_prompt_s(tracked):
    """A loudness that drifts by 20 dB in ten seconds has a range of a few dB in any two of them."""
    sound = noise(10.0) * 10 ** (np.linspace(-20, 0, 10 * RATE) / 20)
    windows = judge.expressions(sound, music.track(sound, RATE))["loudness_range_db"]
    assert len(windows) == 9 and max(windows) < 6.0
    assert judge.expression(sound, music.track(sound, RATE))["loudness_range_db"] > 14.0


def test_what_has_no_pitch_has_no_expression():
    silent = track(0, 2.0)
    assert not any(judge.expressions(noise(2.0), silent).values())
    assert np.isnan(judge.own_range(prompt_of(noise(2.0), pitch=0))["glides"]).all()


def test_percussion_is_answered_in_kind_or_it_is_not():
    """With sound, and without pitch; of a prompt with a pitch this can't be said."""
    row = "unpitched in kind"
    ranges = {"a": {name: (NAN, NAN) for name in judge.EXPRESSION}}
    drum, tune, silence = (answered(prompt_voiced=0.0, voiced=v, silence=s) for v, s in ((0.0, 0.3), (0.8, 0.1), (0.0, 1.0)))
    assert judge.sums([drum, tune, silence, answered(prompt_voiced=0.7, voiced=0.7)], ranges)[row]["of"] == 3
    assert judge.sums([drum], ranges)[row]["figure"] == 1.0
    assert judge.sums([tune, silence], ranges)[row]["figure"] == 0.0


def steady(**changed):
    """Figures of a hold in which nothing happens, but for what is changed in its last tenth."""
    figures = {"register_st": 0.0, "loud_db": -20.0, "silence": 0.1, "in_key": 1.0, "entropy_bits": 2.5, "loop_s": 1.0, "peak": 0.9}
    tenths = {name: [value] * 9 + [changed.get(name, value)] for name, value in figures.items()}
    return {**tenths, "entropy_whole": 2.5, "limited": changed.get("limited", 0.0)}


@pytest.mark.parametrize(
    ("changed", "lost"),
    [({}, None), ({"register_st": -5.1}, "register"), ({"loud_db": -27.0}, "level"), ({"silence": 0.5}, "silence"),
     ({"silence": 0.0}, "silence"), ({"in_key": 0.7}, "key"), ({"entropy_bits": 0.5}, "entropy"),
     ({"entropy_bits": 3.5}, "entropy"),
     ({"loop_s": 4.5}, "loop"), ({"peak": 1.0}, "range"), ({"limited": 1e-4}, "range"), ({"entropy_bits": NAN}, "entropy")],
)  # fmt: skip
def test_a_hold_stays_or_it_is_said_what_drifted(changed, lost):
    """One tenth out of bounds is enough; frames that the limiter turned down are over range however low they came out."""
    assert [name for name, kept in hold.stays(steady(**changed)).items() if kept is False] == ([lost] if lost else [])


def test_of_a_hold_without_pitch_some_cannot_be_said():
    figures = steady() | {"register_st": [NAN] * 10, "in_key": [NAN] * 10, "entropy_bits": [NAN] * 10}
    said = hold.stays(figures)
    assert said["register"] is said["key"] is said["entropy"] is None and said["level"] and said["silence"]


def test_a_hold_is_measured_in_tenths(tracked):
    """A voice that is one note all along: no entropy, no loop, no register to lose."""
    figures = hold.measure(prompt_of(noise(5.0)), noise(20.0))
    assert all(len(values) == 10 for values in figures.values() if isinstance(values, list))
    assert figures["register_st"] == [0.0] * 10 and figures["entropy_whole"] == 0.0 and np.isnan(figures["in_key"]).all()


@pytest.fixture
def heard(monkeypatch):
    """Ears that hear two notes, a stroke, and 69 for a second, an octave higher in its last fifth; the tracker is sure of 69."""
    pitch = np.array([69.0] * 40 + [81.0] * 10 + [0.0] * 50)
    notes = [Note(9, 69.0, 10), Note(24, 69.3, 10), Note(60, 0.0, 3)]
    monkeypatch.setattr(hearing, "hear", lambda tokenizer, sound: (pitch, None, None, notes))
    monkeypatch.setattr(hearing, "independent_pitch", lambda sound: (np.full(100, 69.0), np.array([1.0] * 50 + [0.0] * 50)))
    return lambda *known: hearing.judge(None, np.zeros(92 * 960), *known)


def test_what_is_heard_is_counted_against_tracker_and_people(heard):
    """An octave off is an octave error; a stroke is no note; who labels it may be wrong, and is listened to all the same."""
    figures = heard(([(0.19, 69.0), (0.49, 69.0)], [(0.19, 69.0), (0.8, 60.0)]))
    assert (figures["within_50_cents"], figures["octave_errors"], figures["voiced"]) == (0.8, 0.2, 1.0)
    assert (figures["note_f"], figures["people_agree"], figures["notes"]) == (0.75, 0.5, 2)
    assert figures["strokes_a_second"] == 0.5 and "stroke_f" not in figures
    assert heard(([(1.21, 0.0)],))["stroke_f"] == 1.0 and "note_f" not in heard(([(1.21, 0.0)],))


def test_partials_settle_an_octave():
    """A tone with a weak first partial sounds at its own pitch; nothing sounds an octave below it, nor below a plain tone."""
    time = np.arange(48_000) / 48_000
    for levels in ((0.2, 0.6, 0.4, 0.5, 0.1, 0.1), (1.0, 0.3, 0.1, 0.05, 0.02, 0.01), (1.0, 0.0, 0.3, 0.0, 0.1, 0.0)):
        tone = sum(level * np.sin(2 * np.pi * 440 * n * time + n) for n, level in enumerate(levels, 1))
        tone = 0.1 * tone + 1e-4 * np.random.default_rng(0).standard_normal(len(tone))
        assert hearing.octave_below(tone, 20, 69.0) and not hearing.octave_below(tone, 20, 57.0)


def test_an_octave_that_the_partials_hear_too_is_no_error(heard, monkeypatch):
    for lower, share in ((True, 0.2), (False, 0.0)):
        monkeypatch.setattr(hearing, "octave_below", lambda sound, hop, pitch, lower=lower: lower)
        figures = heard()
        assert (figures["octave_errors"], figures["octave_errors_by_partials"]) == (0.2, share)


def test_where_the_pitch_is_known_the_tracker_is_judged_too(heard):
    """In octaves we were right and it was not: the figure against the tracker does not say so, these two do."""
    known = np.stack([(np.arange(200) + 0.5) * 0.01, np.array([69.0] * 80 + [81.0] * 20 + [0.0] * 100)])
    figures = heard((), known)
    assert (figures["right"], figures["tracker_right"], figures["within_50_cents"]) == (1.0, 0.8, 0.8)


def results(held=False):
    found = table.Results()
    for name, kind, pitch in (("a", "voice", 50.0), ("b", "percussion", 0.0)):
        found.clips[name] = Clip(name, noise(1.0), kind, name, held)
        found.whole[name] = prompt_of(noise(2.0), pitch, name)
        found.ranges[name] = {row: (NAN, NAN) for row in judge.EXPRESSION}
        found.resynthesis[name] = {"mel_db": 3.0 if name == "a" else 6.0, "visqol": NAN}
    found.hearing = {"a": {"within_50_cents": 0.9, "note_f": 0.7, "people_agree": 0.88}, "b": {"notes_a_second": 0.25}}
    found.answers = [answered("a", 1, in_key=0.9), answered("a", 2, in_key=0.7), answered("b", 1, in_key=0.1)]
    found.truths = [answered("a", 0, in_key=0.6)]
    return found


def test_a_row_says_what_came_out_what_is_wanted_and_what_there_is_to_reach():
    aims = table.aims(results(), [], {"figures": {"notes": {"onset_and_pitch_nats": 3.5}}})
    assert aims["in_key"]["figure"] == pytest.approx(17 / 30) and table.met(aims["in_key"]) is False
    assert aims["in_key"]["truth"] == {"figure": 0.6, "of": 1, "ours": pytest.approx(0.8)}, "ours on those clips alone"
    assert aims["notes against labels, F"]["truth"]["figure"] == 0.88
    assert aims["pitch heard within 50 cents, worst clip"]["clip"] == "a"
    mel = aims["resynthesis, mel distance dB"]
    assert (mel["figure"], mel["most"], mel["of"], table.met(mel)) == (4.5, True, 2, False)
    assert aims["notes heard in percussion, a second"]["figure"] == 0.25
    assert table.met(aims["resynthesis, ViSQOL"]) is None and table.met(aims["octave errors, worst clip"]) is None
    assert aims["note model, nats a note"]["figure"] == 3.5 and "hold: nothing drifts" not in aims and "held" not in aims["in_key"]


def test_the_held_out_set_stands_beside_the_recordings_in_every_row():
    both = results()
    other = results(held=True)
    both.clips["c"], both.whole["c"], both.ranges["c"] = other.clips["a"], other.whole["a"], other.ranges["a"]
    both.hearing["c"], both.resynthesis["c"] = {"within_50_cents": 0.5}, {"mel_db": 2.0}
    both.answers.append(answered("c", 1, in_key=0.2))
    aims = table.aims(both, [], {})
    assert aims["in_key"]["held"]["figure"] == 0.2 and aims["in_key"]["of"] == 3
    assert aims["pitch heard within 50 cents, worst clip"]["held"] == {"figure": 0.5, "of": 1, "clip": "c"}
    assert set(table.splits(both)) == {"clips", "held"}


def test_nothing_drifts_if_every_part_of_a_hold_stays_that_can_be_said():
    holds = [{"stays": {"register": True, "key": None}}, {"stays": {"register": False, "key": True}}]
    aims = table.aims(results(), holds, {})
    assert (aims["hold: register stays"]["figure"], aims["hold: key stays"]["of"]) == (0.5, 1)
    assert aims["hold: nothing drifts"]["figure"] == 0.5


def test_groups_are_told_apart_by_class_range_and_family():
    ways = table.splits(results())["clips"]
    assert {way: {group: one["clips"] for group, one in groups.items()} for way, groups in ways.items()} == {
        "class": {"voice": ["a"], "percussion": ["b"]}, "pitch range": {"below 55": ["a"], "no pitch": ["b"]},
        "scale family": {"fewer than five classes": ["a", "b"]},
    }  # fmt: skip
    assert ways["class"]["voice"]["rows"]["in_key"] == [pytest.approx(0.8), 2]
    assert ways["class"]["percussion"]["rows"]["resynthesis, mel distance dB"] == [6.0, 1]
