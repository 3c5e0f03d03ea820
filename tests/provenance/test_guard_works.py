"""The register of works, the command that keeps it, the rows that steer the guard, and what an answer is said to be nearest to."""

import json

import numpy as np
import pytest

from antiphon import cli
from antiphon.chain import Chain, guard_of
from antiphon.errors import UsageError
from antiphon.model.bundle import QUOTES, Bundle
from antiphon.model.tokens import HOP
from antiphon.params import REGISTRY
from antiphon.perform import Performer
from antiphon.provenance import works
from antiphon.provenance.attribution import attribute
from antiphon.provenance.quotes import Melody, Quotes, Work, works_of
from antiphon.status import Status

TUNE = np.array([0, 4, 2, 7, 5, 9, 4, 11, 7, 0, 5, 2, 9, 4, 12, 6]) + 60
WAITS = np.array([2, 1, 1, 2, 3, 1, 2, 2, 1, 1, 4, 1, 2, 1, 1, 3], float)


@pytest.fixture(autouse=True)
def empty_register(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def hum():
    return Bundle.open("hum")


def test_what_is_added_is_there_until_it_is_removed():
    work = works.add("My  Song", [(TUNE, WAITS), (TUNE[:3], WAITS[:3])], owner="A. Nother")
    assert (work.name, work.title, work.owner, work.own, work.notes) == ("my-song", "My Song", "A. Nother", False, 16)
    (found,), problems = works.read()
    assert not problems and np.allclose(found.lines[0][0], TUNE) and np.allclose(found.lines[0][1], WAITS)
    before = works.digest()
    assert works.mark_own("My Song", True).own and works.find("my-song").own and works.digest() != before
    works.add("My Song", [(TUNE, WAITS)])
    assert len(works.read()[0]) == 1 and not works.find("my-song").own
    assert works.add("My Song!", [(TUNE, WAITS)]).name == "my-song-2"
    works.remove("my-song")
    works.remove("my-song-2")
    assert works.read() == ([], [])


def test_what_is_no_work_is_refused_in_one_line():
    for lines in ([], [(TUNE[:5], WAITS[:5])], [(np.zeros(200_000), np.ones(200_000))]):
        with pytest.raises(UsageError) as told:
            works.add("a", lines, file="a.mid")
        assert "a.mid" in str(told.value) and "\n" not in str(told.value)
    works.add("long name", [(TUNE, WAITS)])
    with pytest.raises(UsageError, match="did you mean long-name"):
        works.remove("long-nam")


@pytest.mark.parametrize("content", [
    "{", "[]", "{}", '{"format": 9}', '{"format": 1, "lines": [[["x", 1]]]}', '{"format": 1, "lines": [[[1e300, 1]]]}',
])
def test_a_broken_file_is_told_of_and_hides_no_other(content):
    works.add("good", [(TUNE, WAITS)])
    (works.folder() / "broken.json").write_text(content)
    found, (problem,) = works.read()
    assert [work.name for work in found] == ["good"] and "broken.json" in problem and "\n" not in problem
    assert len(works.melodies()) == 1


def test_a_work_is_named_by_its_key_whatever_else_is_registered(hum):
    work = works.add("Mine", [(TUNE, WAITS)], owner="Me")
    works.add("Earlier", [(TUNE, WAITS)])
    assert works.name_of(work.key, None) == "Mine, Me"
    path = hum.constant(QUOTES)
    assert works.name_of(7, path) == works_of(path)[7].name
    assert works.name_of(-1, path) == works.name_of(10**6, path) == works.name_of(3, None) == ""


def run(capsys, *arguments):
    code = cli.main(["guard", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def _midi(path):
    mido = pytest.importorskip("mido")
    file, track = mido.MidiFile(), mido.MidiTrack()
    file.tracks.append(track)
    for pitch, wait in zip(TUNE, WAITS, strict=True):
        track.append(mido.Message("note_on", note=int(pitch), velocity=80, time=0))
        track.append(mido.Message("note_off", note=int(pitch), velocity=0, time=int(240 * wait)))
    file.save(path)


def test_the_command_takes_a_midi_file(tmp_path, capsys):
    """The work is in the register with its notes; the guard closes its ninth note, and not once it is the player's own."""
    _midi(tmp_path / "Tune.mid")
    code, out, err = run(capsys, "work", "add", str(tmp_path / "Tune.mid"), "--owner", "Somebody")
    assert code == 0 and out.startswith("tune: Tune, Somebody; 16 notes; not to be quoted") and "when the instrument starts" in err
    assert np.allclose(works.find("tune").lines[0][1], WAITS / 2)
    code, out, _ = run(capsys, "work", "list", "--json")
    assert code == 0 and [work["name"] for work in json.loads(out)] == ["tune"]
    assert run(capsys, "work", "own", "tune")[0] == 0 and works.find("tune").own
    assert run(capsys, "work", "not-own", "tune")[0] == 0 and not works.find("tune").own
    assert run(capsys, "work", "remove", "tune")[0] == 0 and works.read() == ([], [])


def test_the_command_reads_musicxml_and_hears_a_recording(tmp_path, capsys):
    notes = "".join(
        f"<note><pitch><step>{'CDEFGAB'[n % 7]}</step><octave>4</octave></pitch><duration>2</duration></note>" for n in range(9)
    )
    measure = f"<measure><attributes><divisions>2</divisions></attributes>{notes}</measure>"
    xml = f"<score-partwise><part id='P1'>{measure}</part></score-partwise>"
    (tmp_path / "a.musicxml").write_text(xml)
    assert run(capsys, "work", "add", str(tmp_path / "a.musicxml"))[0] == 0
    assert works.find("a").notes == 9
    import soundfile

    soundfile.write(tmp_path / "b.wav", _sound(TUNE[:9], 0.35), 44_100)
    assert run(capsys, "work", "add", str(tmp_path / "b.wav"), "--own")[0] == 0
    heard = works.find("b").lines[0][0]
    assert works.find("b").own and np.array_equal(np.diff(np.round(heard)), np.diff(TUNE[:9]))


def _sound(pitches, wait_s, rate=44_100):
    out = []
    for pitch in pitches:
        t = np.arange(int(wait_s * rate)) / rate
        tone = sum(np.sin(2 * np.pi * k * 440 * 2 ** ((pitch - 69) / 12) * t) / k**1.5 for k in range(1, 8))
        out.append(0.1 * tone * np.minimum(1, t / 0.02) * np.minimum(1, np.maximum(0, wait_s - 0.04 - t) / 0.05))
    return np.concatenate(out)


@pytest.mark.parametrize("arguments", [
    ["work", "add", "nowhere.mid"], ["work", "add", "nowhere.wav"], ["work", "remove", "nobody"], ["work", "own", "nobody"],
    ["work"], [], ["work", "sell"], ["play"],
])
def test_what_cannot_be_done_is_one_line_and_exit_code_2(arguments, capsys):
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == "" and err.count("\n") == 1 and err.startswith("antiphon: ")


def test_a_file_without_a_melody_is_refused(tmp_path, capsys):
    import soundfile

    soundfile.write(tmp_path / "quiet.wav", np.zeros(48_000), 48_000)
    (tmp_path / "no.xml").write_text("<a/>")
    for name in ("quiet.wav", "no.xml"):
        code, _, err = run(capsys, "work", "add", str(tmp_path / name))
        assert code == 2 and name in err and err.count("\n") == 1


# ---------------------------------------------------------------- in the chain


def play(chain, rows=(), hops=150):
    chain.reset(1)
    values = np.array(REGISTRY.step_defaults())
    for path, value in dict(rows).items():
        REGISTRY.put(values, path, value)
    sound = _sound(TUNE[:7], 0.3, 48_000).astype(np.float32)
    for hop in sound[: len(sound) // HOP * HOP].reshape(-1, HOP):
        chain.step(hop, values)
    values[REGISTRY.step_index("trigger")] += 1
    return np.concatenate([chain.step(np.zeros(HOP, np.float32), values).copy() for _ in range(hops)])


@pytest.fixture(scope="module")
def bare(hum):
    return play(Chain(hum, Performer()))


def test_the_register_and_the_bundle_reach_the_chain(hum):
    works.add("Mine", [(TUNE, WAITS)], own=True)
    works.add("Theirs", [(TUNE + 1, WAITS), (TUNE[::-1], WAITS)])
    quotes = guard_of(hum).quotes
    learned = len(works_of(hum.constant(QUOTES)))
    assert [(work.title, work.own) for work in quotes.works[learned:]] == [("Mine", True), ("Theirs", False)]
    assert (np.diff(quotes.of.astype(int)) >= 0).all() and int(quotes.of[-1]) == learned + 1
    assert len({work.family for work in quotes.works[learned:]} | {int(quotes.families[:learned].max())}) == 3


def test_rows_reach_the_guard_and_its_counts_the_status(hum, bare):
    """Off, the answer is what it is without a guard, bit for bit; with a short N notes are kept from it, counted and told of."""
    chain = Chain(hum, Performer(), guard=guard_of(hum))
    assert np.array_equal(play(chain, {"guard_notes": 0, "guard_intervals": 0}), bare)
    assert chain.status["guard_hits"] == 0 and chain.status["guard_work"] == -1
    assert not np.array_equal(play(chain, {"guard_notes": 4, "guard_intervals": 4}), bare)
    status = chain.status
    assert status["guard_hits"] > 0 and 4 <= status["guard_length"] <= 65 and status["quote_length"] > 1
    assert works.name_of(int(status["guard_work"]), hum.constant(QUOTES))
    state = chain.state()
    chain.reset(1)
    chain.set_state(state)
    chain.step(np.zeros(HOP, np.float32), np.array(REGISTRY.step_defaults()))
    assert chain.status["guard_hits"] == status["guard_hits"]
    assert {"guard_hits", "guard_work", "guard_length", "quote_length"} <= set(Status.__dataclass_fields__)


# ---------------------------------------------------------------- attribution


@pytest.fixture(scope="module")
def melodies():
    rng = np.random.default_rng(2)
    named = [Work(f"tune {n}", "folk", "a book", "CC0", family=n, key=n) for n in range(30)]
    some = [Melody(work, 60 + np.cumsum(rng.integers(-5, 6, 80)), np.ones(80)) for work in named]
    return some, Quotes.of_melodies(some)


OWN = (1.0, 0.0, 0.0, 0.0, 0.0)


def test_shares_sum_to_one_and_a_planted_run_is_found(melodies):
    """Nine notes of one melody, in another key, in an answer of its own otherwise: that melody is named, with its length."""
    some, quotes = melodies
    answer = np.concatenate([60 + np.cumsum([7, -6, 6, 8, -7, 9]), some[4].pitches[30:39] + 5])
    found = attribute(answer, (0.25, 0.75, 0, 0, 0), quotes, voices=[{"name": "tenor", "source": "there", "licence": "CC0"}])
    assert sum(share.share for share in found.shares) == pytest.approx(1)
    assert (found.nearest[0].name, found.nearest[0].notes) == ("tune 4, folk", 9)
    by_name = {share.name: share for share in found.shares}
    assert by_name["tune 4, folk"].notes == 9 and by_name["tune 4, folk"].share == pytest.approx(0.5 * 9 / 15)
    assert by_name["tenor"].share == pytest.approx(0.375) and by_name["tenor"].licence == "CC0"
    assert json.loads(json.dumps(found.as_json()))["nearest"][0]["notes"] == 9
    assert any("tune 4" in line for line in found.lines()) and all("\n" not in line for line in found.lines())


def test_an_answer_like_no_melody_is_nobodys(melodies):
    found = attribute(60 + np.cumsum([9, -8, 10, -11, 12, -9, 11, -10]), OWN, melodies[1])
    assert [(share.kind, share.share) for share in found.shares] == [("nobody", 0.5), ("own sound", 0.5)]


def test_the_performers_motif_is_theirs(melodies):
    """Also where a melody has it too; what goes on beyond the motif is the melody's."""
    some, quotes = melodies
    motif = some[7].pitches[10:17]
    found = attribute(motif + 2, OWN, quotes, heard=motif)
    assert [(share.kind, share.notes) for share in found.shares] == [("performer", 7), ("own sound", 0)]
    longer = attribute(some[7].pitches[10:30], OWN, quotes, heard=motif)
    assert {share.kind for share in longer.shares} == {"melody", "own sound"} and longer.nearest[0].notes == 20


def test_what_has_no_notes_or_no_sound_is_all_the_other(melodies):
    assert [share.share for share in attribute([], OWN, melodies[1]).shares] == [1.0]
    assert attribute([60], (), Quotes.empty()).shares[0].kind == "nobody"
    assert attribute([], (), Quotes.empty()).shares == ()
    stored = attribute([], (0, 0, 1, 0, 0), melodies[1], voices=[{"name": "x"}, None])
    assert stored.shares[0].name == "voice 2, stored by the player"
