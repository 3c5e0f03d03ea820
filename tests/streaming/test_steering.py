"""What the player asks of the model is obeyed at the next step: pitch, time, character and performance, on the chain itself."""

import numpy as np
import pytest

from antiphon.chain import Chain
from antiphon.model.bundle import Bundle
from antiphon.model.tokens import HOP
from antiphon.params import REGISTRY
from antiphon.params.scales import SCALES
from antiphon.perform import Performer
from test_chain import hummed, quiet, run, values

HOP_S = 0.02
RENEWING = [row for row in REGISTRY.step_rows if row.renews]


@pytest.fixture(scope="module")
def bundle():
    return Bundle.open("hum")


@pytest.fixture(scope="module")
def ready(bundle):
    """A chain that has heard a hum, as a State to go on from, and its values."""
    chain = Chain(bundle, Performer(), 1)
    params = values(mode="hold", phrase_gap_s=5.0)
    run(chain, np.concatenate([quiet(50), hummed()]), params)
    return chain, chain.state(), params


class Player:
    """Plays on from `ready` hop by hop, with rows that can be changed between. There is one chain: one player after the other."""

    def __init__(self, ready, **asked):
        self.chain, state, params = ready
        self.chain.set_state(state)
        self.params = params.copy()
        self.rng = np.random.default_rng(7)
        self.ask(**asked)
        self.notes = []

    def ask(self, **asked):
        for path, value in asked.items():
            REGISTRY.put(self.params, path, REGISTRY.accept(path, value))

    def go(self, hops, **asked):
        """Let some hops pass; returns their voice and takes down the notes that begin: (hop, pitch, exact onset in hops)."""
        self.ask(**asked)
        out = np.zeros((hops, HOP), np.float32)
        for n in range(hops):
            before = self.chain._notes_played
            out[n] = self.chain.step((1e-4 * self.rng.standard_normal(HOP)).astype(np.float32), self.params)
            if self.chain._notes_played > before:
                line = self.chain._line
                if line.note:
                    self.notes.append((self.chain._hop, line.note.pitch, line.onset))
        return out

    def begin(self, hops=1, **asked):
        return self.go(hops, trigger=True, **asked)


def degrees(pitch, tonic, tuning):
    """Cents above the tonic."""
    return (100 * (pitch - tuning - tonic)) % 1200


@pytest.mark.parametrize("scale", SCALES)
def test_no_note_outside_the_scale_is_begun_at_full_grip(ready, scale):
    """To the cent, whatever the scale; and the answer still moves."""
    player = Player(ready, key="d", scale=scale, scale_grip=1, temperature=1.5)
    player.begin(400)
    pitches = [pitch for _, pitch, _ in player.notes]
    tuning = player.chain._notes.key.tuning
    steps = np.array(SCALES[scale])
    off = [np.abs((degrees(pitch, 2, tuning) - steps + 600) % 1200 - 600).min() for pitch in pitches]
    assert len(pitches) > 8 and len(set(pitches)) > 2
    assert max(off) < 1e-6


def test_a_scale_that_changes_holds_for_the_very_next_note(ready):
    """A note that was planned by the old scale takes the nearest pitch of the new one."""
    player = Player(ready, key="c", scale="major", scale_grip=1)
    player.begin(60)
    for key in ("f#", "c", "eb", "b", "a") * 3:
        player.go(23, key=key)
        tonic = ("c", "c#", "d", "eb", "e", "f", "f#", "g", "ab", "a", "bb", "b").index(key)
        _, pitch, _ = player.notes[-1]
        assert round(pitch - player.chain._notes.key.tuning - tonic) % 12 in (0, 2, 4, 5, 7, 9, 11)


def test_a_chord_is_all_that_is_played_while_it_is_held(ready):
    """With chord_grip 1; let go, other notes come back."""
    player = Player(ready)
    player.begin(40)
    began = len(player.notes)
    player.go(300, chord=(61.0, 65.0, 68.0))
    held = [round(pitch - player.chain._notes.key.tuning) % 12 for _, pitch, _ in player.notes[began:]]
    assert len(held) > 5 and set(held) <= {1, 5, 8}
    began = len(player.notes)
    player.go(300, chord=())
    assert {round(pitch) % 12 for _, pitch, _ in player.notes[began:]} - {1, 5, 8}


@pytest.mark.parametrize("low, high", [(40, 52), (72, 84), (60, 62), (65, 65)])
def test_the_register_has_bounds(ready, low, high):
    """No note outside them, even where they are far from the performer's own register."""
    player = Player(ready, register_low=low, register_high=high, temperature=1.3)
    player.begin(300)
    assert all(low - 0.5 <= pitch <= high + 0.5 for _, pitch, _ in player.notes) and player.notes


def test_a_register_without_a_note_of_the_scale_gives_the_nearest(ready):
    """And never silence or a crash."""
    player = Player(ready, register_low=61, register_high=61, scale="pentatonic", key="c", scale_grip=1)
    player.begin(200)
    assert player.notes and all(abs(pitch - 61) < 1.6 for _, pitch, _ in player.notes)


@pytest.mark.parametrize("semitones", [-12, -5, 7, 12])
def test_transposed_notes_are_those_that_were_planned(ready, semitones):
    """The same seed, the same line, so many semitones away."""
    plain, moved = Player(ready), None
    plain.begin(200)
    moved = Player(ready, transpose=semitones)
    moved.begin(200)
    assert [(hop, round(pitch, 6)) for hop, pitch, _ in moved.notes] == [
        (hop, round(pitch + semitones, 6)) for hop, pitch, _ in plain.notes
    ]


def test_concert_pitch_is_concert_pitch(ready):
    """tune_to 440: every note on a whole semitone, whatever the performer's tuning."""
    player = Player(ready, tune_to="440")
    player.begin(200)
    assert all(pitch == round(pitch) for _, pitch, _ in player.notes)


@pytest.mark.parametrize("bpm, grid, lines", [(60, "1/16", 4), (97, "1/8t", 3), (140, "1/8", 2)])
def test_with_full_grip_every_note_begins_on_the_grid(ready, bpm, grid, lines):
    """To the frame, also between two hops, with the beat where it was said to fall."""
    player = Player(ready, grid=grid, grid_grip=1, beat=(0.123, bpm), tempo=bpm)
    player.begin(500)
    line_s = 60 / bpm / lines
    onsets_s = np.array([onset * HOP_S for _, _, onset in player.notes])
    off = (onsets_s - 0.123 + line_s / 2) % line_s - line_s / 2
    assert len(onsets_s) > 8
    assert np.abs(off).max() < 1 / 48_000


def test_a_note_between_two_hops_sounds_between_two_hops(ready):
    """Of two lines that differ by half a hop alone, the sounds differ by half a hop alone."""
    sounds = [Player(ready, grid="1/4", grid_grip=1, beat=(at, 120.0), tempo=120).begin(100).ravel() for at in (0.1, 0.11)]
    first = [int(np.argmax(np.abs(sound) > 1e-3)) for sound in sounds]
    assert abs(abs(first[1] - first[0]) - HOP / 2) <= 48


def test_twice_the_tempo_is_half_the_time(ready):
    """A line at tempo 2x lasts half as long as at x, note by note."""
    onsets = []
    for tempo in (60, 120):
        player = Player(ready, tempo=tempo)
        player.begin(400)
        onsets.append([onset for _, _, onset in player.notes])
    pairs = list(zip(*onsets, strict=False))[:8]
    begin = pairs[0][0]
    for at_slow, at_quick in pairs:
        assert at_quick - begin == pytest.approx((at_slow - begin) / 2, abs=1e-6)


def test_density_asks_for_more_notes_or_fewer(ready):
    counts = []
    for density in (0.25, 1.0, 4.0):
        player = Player(ready, density=density)
        player.begin(700)
        counts.append(len(player.notes))
    assert counts[0] < 0.7 * counts[1] and counts[2] > 2 * counts[1]


def test_phrases_are_as_long_as_asked(ready):
    """Short ones breathe at least three times as often as long ones: rests of 160 ms and more."""
    rests = []
    for seconds in (1.0, 20.0):
        voice = Player(ready, phrase_length=seconds).begin(1000)
        level = np.sqrt((voice**2).mean(1))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], level < 0.01 * level.max(), [0]]).astype(int)))
        rests.append(int((np.diff(edges)[::2] >= 8).sum()))
    assert rests[0] >= 5 and rests[0] >= 3 * rests[1]


OTHER = {
    "seed": 99, "key": "f#", "scale": "hijaz", "scale_cents": (0, 250, 700), "scale_grip": 1.0, "chord": (61, 66), "chord_grip": 0.2,
    "register_low": 70, "register_high": 55, "register_grip": 1.0, "transpose": 5, "tune_to": "440", "glide": 0.0, "vibrato": 3.0,
    "tempo": 190, "grid": "1/4", "grid_grip": 0.3, "swing": 0.7, "density": 3.0, "phrase_length": 2.0, "temperature": 1.8,
    "top_p": 0.2, "novelty": 1.0,
}  # fmt: skip


@pytest.mark.parametrize("row", RENEWING, ids=lambda row: row.path)
def test_a_change_that_renews_is_answered_by_another_note_at_once(ready, row):
    """The note that sounds gives way within three hops; without a change nothing is different, bit for bit."""
    same = Player(ready).begin(53)
    changed = Player(ready)
    changed.begin(50)
    before = len(changed.notes)
    voice = changed.go(4, **{row.path: OTHER[row.path]})
    again = Player(ready)
    assert np.array_equal(again.begin(53), same)
    assert len(changed.notes) > before
    assert changed.notes[-1][0] - changed.chain._hop > -4
    assert np.any(voice)


def test_a_knob_that_turns_and_turns_makes_no_trill(ready):
    """Twenty small changes a second for two seconds begin at most a few notes more than none do."""
    still = Player(ready)
    still.begin(150)
    turned = Player(ready)
    turned.begin(50)
    for n in range(100):
        turned.go(1, temperature=0.3 + 0.015 * n)
    assert len(turned.notes) <= len(still.notes) + 11


def test_a_note_that_is_asked_for_is_the_next_one_at_once(ready):
    """play_note: within three hops, on that pitch in the performer's tuning."""
    player = Player(ready)
    player.begin(50)
    player.go(3, play_note=71)
    assert player.notes[-1][1] == pytest.approx(71 + player.chain._notes.key.tuning, abs=0.6)


def test_a_kept_answer_comes_back_sample_for_sample(ready):
    """keep, then recall: the very sound, round and round; recall of an empty slot is refused and changes nothing."""
    player = Player(ready)
    first = player.begin(80)
    player.go(1, keep=3)
    player.go(1, mode="listen")
    player.go(20)
    player.ask(mode="hold")
    again = np.concatenate([player.go(1, recall=3), player.go(99)])
    assert np.array_equal(again[1:79], first[1:79])
    assert np.array_equal(again[82:99], first[2:19])  # round again, but for the fades where it comes round
    refused = player.chain.performer.refused
    player.go(1, recall=8)
    assert player.chain.performer.refused == refused + 1 and np.any(player.go(3))


def test_a_slot_played_once_ends(ready):
    player = Player(ready, recall_as="once")
    player.begin(30)
    player.go(1, keep=1)
    player.go(1, mode="listen")
    player.go(5, mode="hold")
    voice = player.go(40, recall=1)
    assert np.any(voice[:25]) and not np.any(voice[33:]) and not player.chain.performer.answering


def test_a_phrase_that_was_not_answered_can_be_kept_and_continued(ready):
    """keep while listening keeps the phrase; recalled to continue it, its notes are taken for the performer's."""
    player = Player(ready)
    player.go(1, keep=2)
    kept = player.chain._keeping.slot(1)
    assert len(kept.sound) > 100 and len(kept.notes) >= 5
    player.go(1, panic=True)
    player.go(5)
    voice = player.go(60, recall=2, recall_as="continue")
    assert np.any(voice) and player.chain._notes.key.heard


def test_regenerate_plays_the_answer_again_with_other_chances(ready):
    """From the same notes heard; before any answer it is refused."""
    player = Player(ready)
    refused = player.chain.performer.refused
    player.go(1, regenerate=True)
    assert player.chain.performer.refused == refused + 1
    player.begin(120)
    first, before = list(player.notes), player.chain._began[1]["memory"].pitches
    player.notes.clear()
    player.go(120, regenerate=True)
    assert player.chain._began[1]["memory"].pitches == before
    assert [pitch for _, pitch, _ in player.notes] != [pitch for _, pitch, _ in first]


def test_frozen_sound_stays_as_it_is(ready):
    """Pitch and level stand still until it is let go, and no note begins."""
    player = Player(ready)
    player.begin(40)
    began = len(player.notes)
    player.go(5, freeze=True)
    voice = player.go(60)
    levels = np.sqrt((voice**2).mean(1))
    assert len(player.notes) == began and levels.min() > 0.5 * levels.max() > 0
    player.go(60, freeze=False)
    assert len(player.notes) > began


def test_hold_lets_an_answer_go_on(ready):
    """The pedal down in mode answer: it goes on past answer_s; up: it ends."""
    player = Player(ready, mode="answer", answer_s=1.0, hold=True)
    assert np.any(player.begin(100)[90:])
    assert not np.any(player.go(20, hold=False)[5:])


@pytest.mark.parametrize("path, value, louder", [("loudness", -20, False), ("loudness", 9, True)])
def test_loudness_is_heard_in_the_hop_that_sounds(ready, path, value, louder):
    levels = []
    for asked in ({}, {path: value}):
        player = Player(ready)
        player.begin(30)
        levels.append(np.sqrt((player.go(30, **asked) ** 2).mean()))
    assert (levels[1] > 1.3 * levels[0]) if louder else (levels[1] < 0.5 * levels[0])


def test_brightness_and_breath_colour_the_voice(ready):
    """Brighter: more above 2 kHz against below; breathier: a flatter spectrum between harmonics."""
    spectra = {}
    for name, asked in {"plain": {}, "bright": {"brightness": 6}, "dark": {"brightness": -6}, "breathy": {"breath": 24}}.items():
        voice = Player(ready, **asked).begin(100).ravel()
        power = np.abs(np.fft.rfft(voice.reshape(-1, 4800) * np.hanning(4800))) ** 2
        spectra[name] = power[:, 200:].sum() / power[:, :200].sum(), np.exp(np.log(power + 1e-12).mean()) / power.mean()
    assert spectra["dark"][0] < 0.6 * spectra["plain"][0] < spectra["plain"][0] < 0.6 * spectra["bright"][0]
    assert spectra["breathy"][1] > 2 * spectra["plain"][1]


def test_without_vibrato_and_glide_a_note_stands_still(ready):
    """In tune as well where the scale is held: settled hops within 5 cents of their pitch."""
    player = Player(ready, vibrato=0, glide=0, scale_grip=1)
    player.begin(1)
    off = []
    for _ in range(300):
        player.go(1)
        note, played = player.chain._line.note.pitch, player.chain._pitch_played
        if played > 0 and player.chain._acoustic._age > 12:
            off.append(abs(played - note))
    assert len(off) > 20 and np.percentile(off, 95) < 0.05


def test_the_whole_of_it_is_a_state(ready):
    """Saved in the middle of steered playing and taken up again, it goes on bit for bit."""
    player = Player(ready, scale="rast", key="g", scale_grip=1, grid_grip=1, tempo=97, timbre=0.0)
    player.begin(60)
    player.go(1, keep=1)
    player.go(5, temperature=1.5)
    kept = player.chain.state()
    rng = np.random.default_rng(7).bit_generator.state
    player.rng.bit_generator.state = rng
    one = player.go(60, novelty=1.0)
    player.chain.set_state(kept)
    REGISTRY.put(player.params, "novelty", 0.5)
    player.rng.bit_generator.state = rng
    assert np.array_equal(one, player.go(60, novelty=1.0))


def test_what_is_planned_and_has_not_begun_gives_way_too(ready):
    """A change in the very hop before a note begins: that note is not heard at all; no note lasts a single hop."""
    player = Player(ready)
    player.begin(30)
    changes = 0
    for n in range(40):
        for _ in range(200):
            player.go(1)
            player.chain.settle()
            if player.chain._line._coming is not None:
                break
        began = len(player.notes)
        player.go(1, chord=((60.0, 64.0), (62.0, 67.0))[n % 2])
        changes += len(player.notes) - began
        pitch = round(player.notes[-1][1] - player.chain._notes.key.tuning) % 12
        assert pitch in ((0, 4), (2, 7))[n % 2]
        player.go(12)
    hops = [hop for hop, _, _ in player.notes]
    assert changes >= 38 and min(np.diff(hops)) > 1


@pytest.mark.parametrize("what", ["tempo", "beat", "grid"])
def test_no_note_begins_in_the_past_or_off_the_grid_in_force(ready, what):
    """While tempo, beat or grid move under it: each onset lies in the hop in which it is made, on a line as it is then."""
    player = Player(ready, grid="1/8", grid_grip=1, tempo=100)
    rng = np.random.default_rng(5)
    player.begin(1)
    for n in range(900):
        asked = {}
        if what == "tempo" and n % 5 == 0:
            asked = {"tempo": 100 + n / 30}
        if what == "beat" and n % 25 == 0:
            asked = {"beat": (float(player.chain._hop * HOP_S + rng.uniform(-1, 1)), 100.0)}
        if what == "grid" and n % 40 == 0:
            asked = {"grid": str(rng.choice(["1/4", "1/8", "1/16", "1/8t"]))}
        began = len(player.notes)
        player.go(1, **asked)
        if len(player.notes) > began:
            hop, _, onset = player.notes[-1]
            timing = player.chain._timing
            assert hop <= onset < hop + 1
            assert abs(timing.place(onset) - onset) < 1e-6, "off the line in force"
    assert len(player.notes) > 20


def test_a_tempo_that_moves_leaves_the_beat_where_it_is(ready):
    """Without a beat that was told, its phase goes on: a small change of tempo moves the next line by little."""
    player = Player(ready, grid="1/4", grid_grip=1, tempo=100)
    player.begin(1000)
    timing = player.chain._timing
    before = timing.place(float(player.chain._hop + 10))
    player.go(1, tempo=101)
    assert abs(timing.place(float(player.chain._hop + 9)) - before) < 1.0


def test_safe_settings_stay_in_the_register(ready):
    """Low temperature and novelty 0, which quote motifs upwards and upwards: within two octaves of what was heard."""
    for temperature, novelty in ((0.3, 0.0), (0.1, 0.5), (0.5, 0.0)):
        player = Player(ready, temperature=temperature, novelty=novelty)
        player.begin(1200)
        pitches = [pitch for _, pitch, _ in player.notes]
        assert 40 < min(pitches) and max(pitches) < 88


def test_a_rest_stays_a_rest_whatever_is_coloured(ready):
    """A pedal on brightness does not stop it breathing."""
    rests = []
    for swing in (0, 3):
        player = Player(ready, phrase_length=2.0)
        out = [player.begin(1)]
        for n in range(900):
            out.append(player.go(1, brightness=float(swing * np.sin(n / 16))))
        level = np.sqrt((np.concatenate(out) ** 2).mean(1))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], level < 0.01 * level.max(), [0]]).astype(int)))
        rests.append(int((np.diff(edges)[::2] >= 8).sum()))
    assert rests[0] == rests[1] > 2


def test_a_slot_is_played_to_its_end_in_mode_answer(ready):
    """recall once: as long as the slot, not as `answer_s` says; switched from loop to once, the round is finished."""
    player = Player(ready)
    player.begin(120)
    player.go(1, keep=1)
    player.go(12, mode="listen")
    voice = player.go(160, mode="answer", answer_s=1.0, recall=1, recall_as="once")
    sounding = np.flatnonzero(np.abs(voice).max(1) > 0)
    assert 110 <= sounding[-1] <= 122
    player.go(150, recall=1, recall_as="loop")
    voice = player.go(120, recall_as="once")
    sounding = np.flatnonzero(np.abs(voice).max(1) > 0)
    assert 80 <= sounding[-1] <= 95


def test_a_frozen_slot_stands_still_and_goes_on(ready):
    player = Player(ready)
    player.begin(100)
    player.go(1, keep=1)
    player.go(12, mode="listen")
    player.go(30, mode="hold", recall=1)
    at = player.chain._playback.at
    voice = player.go(100, freeze=True)
    assert player.chain._playback.at == at and np.abs(voice).max() > 0
    player.go(10, freeze=False)
    assert player.chain._playback.at == at + 10


def test_to_go_on_from_a_long_slot_costs_no_more_than_a_short_one(ready):
    """Runs of the note model in the step that continues: a bounded number, however many notes are kept."""
    player = Player(ready, density=2.0)
    player.begin(1400)
    player.go(1, keep=1)
    runs = []
    run = player.chain._notes._graph.run
    player.chain._notes._graph.run = lambda: (runs.append(1), run())[1]
    try:
        player.go(1, recall=1, recall_as="continue")
    finally:
        del player.chain._notes._graph.run
    assert len(player.chain._keeping.slot(0).notes) > 40 and len(runs) <= 12


def anything(rng, row):
    """A random value of a row, as a surface might send it."""
    if row.kind == "trigger":
        return int(rng.integers(1, row.most + 1)) if row.numbered else True
    if row.kind == "list":
        return tuple(rng.uniform(row.minimum, min(row.maximum, 1200), rng.integers(0, row.most + 1)))
    return row.at(rng.random())


@pytest.mark.parametrize("seed", range(3))
def test_a_random_walk_through_all_controls_breaks_nothing(ready, seed):
    """Any row at any time, triggers too: every hop is finite and bounded, each note begins in its own hop, within the register, and
    in the scale where that is held and no chord is."""
    rng = np.random.default_rng(seed)
    rows = [row for row in REGISTRY.step_rows if row.path not in ("mode", "panic", "beat")]
    player = Player(ready)
    player.begin(1)
    for _ in range(900):
        asked = {}
        if rng.random() < 0.3:
            row = rows[rng.integers(len(rows))]
            asked[row.path] = anything(rng, row)
        if rng.random() < 0.02:
            asked |= {"mode": str(rng.choice(["hold", "hold", "answer", "listen"])), "panic": True} if rng.random() < 0.1 else {"trigger": True}
        began = len(player.notes)
        voice = player.go(1, **asked)
        assert np.isfinite(voice).all() and np.abs(voice).max() < 30
        chain = player.chain
        if len(player.notes) > began and not chain._playback.playing:
            hop, pitch, onset = player.notes[-1]
            pitches = chain._notes.pitches
            wishes = pitches.wishes
            assert hop <= onset < hop + 1
            low, high = sorted((wishes.register_low, wishes.register_high))
            assert low - 0.5 <= pitch <= high + 0.5 or high - low < 13
            if wishes.scale_grip == 1 and wishes.steps() and not (wishes.chord and wishes.chord_grip):
                tuning = 0.0 if wishes.tune_to == "440" else chain._notes.key.tuning
                cents = degrees(pitch, pitches.tonic, tuning)
                assert min(abs((cents - step + 600) % 1200 - 600) for step in wishes.steps()) < 1e-3


@pytest.mark.parametrize("semitones", [12, -12])
def test_a_change_is_answered_by_the_wish_as_it_is_now(ready, semitones):
    """The very note that answers a transposition is transposed, not the one after it."""
    player = Player(ready)
    player.begin(60)
    before = player.notes[-1][1]
    player.go(2, transpose=semitones)
    assert abs(player.notes[-1][1] - before - semitones) <= 7


def test_a_state_taken_before_a_change_goes_on_alike_in_another_chain(ready, bundle):
    """What is worked out of wishes is no hidden memory."""
    player = Player(ready)
    player.begin(70)
    state, params, rng = player.chain.state(), player.params.copy(), player.rng.bit_generator.state
    one = player.go(60, chord=(61.0, 66.0))
    other = Chain(bundle, Performer(), 1)
    other.set_state(state)
    again = Player((other, state, params))
    again.rng.bit_generator.state = rng
    assert np.array_equal(one, again.go(60, chord=(61.0, 66.0)))


def test_a_slot_that_is_frozen_does_not_click_and_ends_where_it_ends(ready):
    """No step between frames larger than the sound's own, into the freeze and out of it; at the end of `once` nothing begins again."""
    player = Player(ready)
    player.begin(100)
    player.go(1, keep=1)
    player.go(12, mode="listen")
    plain = player.go(40, mode="hold", recall=1)
    frozen = player.go(30, freeze=True)
    on = player.go(25, freeze=False)
    steps = [np.abs(np.diff(part.ravel())).max() for part in (plain, np.concatenate([plain[-1:], frozen, on]))]
    assert steps[1] < 2 * steps[0]
    played = player.chain._notes_played
    rest = player.go(37, recall_as="once")
    kept = player.chain._keeping.slot(0)
    assert player.chain._notes_played - played == sum(note.onset_hop >= 65 for note in kept.notes if note.pitch > 0)
    assert rest[34].any() and not rest[36:].any()
