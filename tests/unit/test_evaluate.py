"""An evaluation leaves a kit that gives nothing away and figures that any reader takes, and refuses what it cannot judge."""

import json
import re
from dataclasses import fields

import numpy as np
import pytest
import soundfile

pytest.importorskip("soxr")
pytest.importorskip("onnxruntime")
from antiphon.train import clips, evaluate, hearing, hold, judge, kit, music, page  # noqa: E402

RATE = 48_000
NAN = float("nan")


def noise(seconds, seed=1):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def answered(**said):
    """An answer of which only so much is known."""
    return judge.Answer(**({field.name: NAN for field in fields(judge.Answer)} | {"clip": "a", "seed": 1, "timbre_rank": 0} | said))


@pytest.mark.parametrize("seeds, longer, names", [
    (1, False, {"answer", "anchor"}), (1, True, {"answer", "anchor", "reference"}),
    (3, True, {"answer", "other answer", "anchor", "reference"}),
])  # fmt: skip
def test_versions_of_a_clip_tell_nothing_by_length_or_name(tmp_path, seeds, longer, names):
    """All begin alike and last as long as each other; files are named by letters in an order of their own."""
    prompt = noise(2.0)
    original = np.concatenate([prompt, noise(4.0 if longer else 0.5, 7)])
    sounds = kit.versions(original, prompt, [noise(5.0, seed) for seed in range(2, 2 + seeds)])
    assert set(sounds) == names
    trials = [kit.clip(tmp_path, number, "who#?%", sounds, 2.0) for number in range(1, 9)]
    orders = set()
    for number, trial in enumerate(trials, 1):
        files = [file for _, file in trial["versions"]]
        assert files == [f"kit/{number:02}-{letter}.flac" for letter in "abcd"[: len(names)]]
        assert len({soundfile.info(tmp_path / file).frames for file in files}) == 1
        orders.add(tuple(version for version, _ in trial["versions"]))
        for version, file in trial["versions"]:
            heard = soundfile.read(tmp_path / file)[0][: 2 * RATE]
            assert version == "anchor" or np.abs(heard - prompt).max() < 1e-4
    assert len(orders) > 1
    assert trials == [kit.clip(tmp_path, number, "who#?%", sounds, 2.0) for number in range(1, 9)]
    kit.write(tmp_path, trials)
    text = (tmp_path / "kit.html").read_text()
    assert "TRIALS" not in text and "STYLE" not in text and '"opening": 2.0' in text


def test_a_name_of_a_clip_cannot_end_the_script(tmp_path):
    kit.write(tmp_path, [{"clip": "</script><!--", "opening": 1.0, "versions": []}])
    assert (tmp_path / "kit.html").read_text().count("</script>") == 1


def test_players_find_files_whatever_their_names():
    assert 'src="a%23%3F%25%22%20b.1.flac"' in page._player('a#?%" b', "1")


def test_figures_are_strict_json(tmp_path):
    """nan and infinities become null, in whatever they lie."""
    evaluate.save(tmp_path / "figures.json", {"a": [NAN, (float("inf"), 1.5)], "b": {"c": -float("inf"), "d": "x", "e": True}})

    def refuse(word):
        raise ValueError(word)

    found = json.loads((tmp_path / "figures.json").read_text(), parse_constant=refuse)
    assert found == {"a": [None, [None, 1.5]], "b": {"c": None, "d": "x", "e": True}}
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_a_silent_answer_is_no_answer_without_loops():
    """It counts for no aim that sound could have missed."""
    good = answered(peak=0.2, silence=0.1, loop_s=0.0, seam_step=0.5, seam_flux=0.5)
    for peak in (0.0, 0.2):
        silent = answered(peak=peak, silence=1.0, loop_s=0.0, seam_step=0.0)
        aims = judge.sums([good, silent], {"a": {name: (NAN, NAN) for name in judge.EXPRESSION}})
        assert (aims["no loop over 4 s"]["of"], aims["seam"]["of"]) == (1, 1)
        assert aims["silence"]["of"] == 2


@pytest.fixture
def stubbed(monkeypatch):
    """An evaluation without networks: the answer is noise, whatever is asked."""
    rendered = []

    def carry_on(prompt, samplerate, seconds, seed, bundle, values):
        rendered.append(seed)
        return noise(seconds, seed)[:, None].astype(np.float32), None, 0.0

    for who in (judge, hold):
        monkeypatch.setattr(who, "carry_on", carry_on)
    monkeypatch.setattr(judge, "resynthesise", lambda bundle, sound: sound)
    monkeypatch.setattr(judge, "quality", lambda one, two: {"mel_db": 1.0, "visqol": NAN})
    none = music.Track(np.zeros(0), np.zeros(0), np.zeros(0, bool))
    monkeypatch.setattr(music, "track", lambda sound, samplerate: none)
    monkeypatch.setattr(page, "picture", lambda *arguments: None)
    monkeypatch.setattr(evaluate, "Tokenizer", lambda graph: None)
    monkeypatch.setattr(evaluate.Bundle, "graph", lambda self, name: None)
    monkeypatch.setattr(hearing, "judge", lambda *arguments: {"within_50_cents": NAN})
    return rendered


def test_clips_of_one_name_are_kept_apart_and_one_seed_is_enough(tmp_path, stubbed, capsys):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a#?%.wav", noise(3.0), RATE)
    clips = [str(tmp_path / folder / "a#?%.wav") for folder in ("one", "two")]
    assert evaluate.main([*clips, "--seeds", "1", "--seconds", "1", "--prompt-s", "1", "--out", str(tmp_path / "out")]) == 0
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert [one["clip"] for one in figures["answers"]] == ["a#?%", "a#?%-2"] == list(figures["resynthesis"])
    for file in ("kit/01-a.flac", "kit/02-b.flac", "a#?%-2.1.flac", "kit.html", "index.html"):
        assert (tmp_path / "out" / file).is_file()


def test_the_page_has_the_held_out_set_and_the_recordings_themselves(tmp_path, stubbed, monkeypatch):
    """Of a held-out render one answer is kept to be heard, of a recording all; how a recording goes on is judged with no seed."""
    soundfile.write(tmp_path / "a<b.wav", noise(6.0), RATE)
    held = clips.Clip("held-0000-00-seed-oboe", noise(3.0), "instrument", "seed/oboe", True)
    monkeypatch.setattr(clips, "held_out", lambda folder, count: [held][:count])
    out = tmp_path / "out"
    short = ["--seeds", "2", "--seconds", "5", "--prompt-s", "1", "--hold-s", "10"]
    assert evaluate.main([str(tmp_path / "a<b.wav"), *short, "--held", str(tmp_path), "--held-clips", "1", "--out", str(out)]) == 0
    figures = json.loads((out / "figures.json").read_text())
    assert [one["clip"] for one in figures["truth"]] == ["a<b"] and figures["clips"][held.name]["held"]
    assert (out / "a<b.2.flac").is_file() and (out / f"{held.name}.1.flac").is_file() and not (out / f"{held.name}.2.flac").exists()
    assert len(figures["hold"]) == 3 and "held" in figures["aims"]["silence"] and set(figures["splits"]) == {"clips", "held"}
    text = (out / "index.html").read_text()
    assert "own held-out set" in text and "the recording itself" in text and "Hold of 10 s" in text
    assert "a<b" not in text and not re.search(r"\bnan\b", text) and text.count("<audio") == 4 + 3
    assert [trial.name for trial in (out / "kit").iterdir() if trial.name.startswith("02")] == [], "renders are not rated"


def test_a_timbre_is_told_from_one_of_every_other_source(tmp_path):
    """Never from another render of its own singer, and from a source's first clip only."""
    found = [clips.Clip(name, noise(1.0), "voice", source) for name, source in (("a", "x"), ("b", "y"), ("c", "y"), ("d", "z"))]
    prompts = [judge.Prompt(clip.name, clip.sound, None, [], 0.0, np.full(40, float(number))) for number, clip in enumerate(found)]
    among = [np.full(40, 9.0)]
    assert evaluate.rivals(prompts, found, 0, among)[:, 0].tolist() == [0.0, 1.0, 3.0, 9.0]
    assert evaluate.rivals(prompts, found, 2, among)[:, 0].tolist() == [2.0, 0.0, 3.0, 9.0]


def test_what_was_judged_is_kept_when_a_later_clip_fails(tmp_path, stubbed, monkeypatch):
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", noise(2.0), RATE)
    whole = judge.answer

    def answer(prompt, *rest):
        if prompt.name == "b":
            raise KeyboardInterrupt
        return whole(prompt, *rest)

    monkeypatch.setattr(judge, "answer", answer)
    with pytest.raises(KeyboardInterrupt):
        evaluate.main([str(tmp_path), "--seeds", "1", "--seconds", "1", "--out", str(tmp_path / "out")])
    assert [one["clip"] for one in json.loads((tmp_path / "out" / "figures.json").read_text())["answers"]] == ["a"]


@pytest.mark.parametrize("frames", [0, 1, RATE // 10])
def test_a_clip_that_is_too_short_is_refused_before_anything_is_rendered(tmp_path, stubbed, capsys, frames):
    soundfile.write(tmp_path / "long.wav", noise(3.0), RATE)
    soundfile.write(tmp_path / "short.wav", np.zeros(frames), RATE)
    assert evaluate.main([str(tmp_path / "long.wav"), str(tmp_path / "short.wav"), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "short.wav" in line and "at least 1 s" in line
    assert not stubbed and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option",
    [["--seeds", "0"], ["--seeds", "-1"], ["--seconds", "nan"], ["--prompt-s", "0"], ["--hold-s", "3"], ["--held-clips", "0"]],
)
def test_numbers_that_leave_nothing_to_judge_are_refused(tmp_path, stubbed, capsys, option):
    with pytest.raises(SystemExit) as ended:
        evaluate.main(["a.wav", *option, "--out", str(tmp_path / "out")])
    assert ended.value.code == 2 and option[0] in capsys.readouterr().err
