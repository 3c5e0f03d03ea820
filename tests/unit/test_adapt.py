"""A bundle of one's own is made whole, with all that it owes to others said, or refused in one line where it can't be."""

import copy
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import sung

from antiphon import cli
from antiphon.errors import UsageError
from antiphon.model.bundle import Bundle

torch = pytest.importorskip("torch")
mido = pytest.importorskip("mido")
pytest.importorskip("soxr")
from antiphon.train import adapt, adapted, consent, finetune, network, pipeline, rehearsal  # noqa: E402
from antiphon.train.lessons import LESSONS, Lesson  # noqa: E402

LEAVE = {"performer": "A. Singer", "consent": "She said yes in a letter", "licence": "all rights hers"}
GIVEN = [word for name, line in LEAVE.items() for word in (f"--{name}", line)]


def sing(path, seconds, seed, samplerate=48_000, channels=1):
    sound = sung.sound(sung.melody(seconds, seed), seconds)
    if samplerate != 48_000:
        import soxr

        sound = soxr.resample(sound, 48_000, samplerate)
    soundfile.write(path, np.repeat(sound[:, None], channels, 1), samplerate)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two recordings in two formats, one of them twice, a sheet, and files that are no use."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "deep").mkdir()
    (folder / ".hidden").mkdir()
    sing(folder / "one.wav", 60, 1, 44_100, 2)
    sing(folder / "deep" / "two.flac", 40, 2)
    sound, rate = soundfile.read(folder / "deep" / "two.flac", dtype="int16")
    soundfile.write(folder / "deep" / "two-again.wav", sound, rate)
    (folder / "broken.wav").write_bytes(b"RIFF no more than this")
    (folder / ".hidden" / "three.wav").write_bytes(b"not to be read")
    (folder / "notes.txt").write_text("no recording")
    file, track = mido.MidiFile(), mido.MidiTrack()
    file.tracks.append(track)
    for number in range(40):
        pitch = 60 + [0, 4, 7, 5, 2, 9, 11, 12][(number * number) % 8]
        track += [mido.Message("note_on", note=pitch, time=30), mido.Message("note_off", note=pitch, time=210)]
    file.save(folder / "tune.mid")
    return folder


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory):
    """Six seconds of learning: the folder that it was made in, and its exit code."""
    out = tmp_path_factory.mktemp("out")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    options = ["--minutes", "0.1", "--name", "mine", "--out", str(out), *GIVEN]
    command = [sys.executable, "-m", "antiphon", "train", "adapt", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done


def test_it_is_a_sound_bundle_that_says_how_to_play_it(made):
    out, done = made
    bundle = Bundle.open(out / "mine")
    assert bundle.check() == [] and bundle.name == "mine"
    assert f"antiphon play --bundle {out / 'mine'}" in done.stdout
    assert "\r" not in done.stdout + done.stderr, "a bar in a pipe"


def test_it_says_whose_sound_it_is_and_where_it_comes_from(made, folder):
    manifest, hum = Bundle.open(made[0] / "mine").manifest, Bundle.open("hum")
    told = manifest["adapted"]
    assert {name: told[name] for name in LEAVE} == LEAVE
    assert (told["from"], told["from_sha256"]) == ("hum", hum.digest())
    files = {entry["file"]: entry for entry in told["files"]}
    assert sorted(files) == ["deep/two-again.wav", "one.wav", "tune.mid"], "each sound once, in order"
    for name, entry in files.items():
        assert entry["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert manifest["data"][: len(hum.manifest["data"])] == hum.manifest["data"]
    assert [(entry["kind"], entry["licence"]) for entry in manifest["data"][len(hum.manifest["data"]) :]] == [
        ("recordings", LEAVE["licence"]), ("melodies", LEAVE["licence"])]  # fmt: skip
    assert str(folder) not in json.dumps(manifest) and LEAVE["licence"] in manifest["licence"]
    assert told["cost"]["core_minutes"] > 0 and told["cost"]["energy"]


def test_only_what_got_better_is_new(made):
    """Every other file is the source's, byte for byte, and so is what a lesson made worse."""
    hum, mine = Bundle.open("hum"), Bundle.open(made[0] / "mine")
    stages = {stage["name"]: stage for stage in mine.manifest["adapted"]["stages"]}
    assert set(stages) == {"decoder", "acoustic", "notes"}
    assert any(stage["taken"] for stage in stages.values())
    new = {graph for name, stage in stages.items() if stage["taken"] for graph in adapted.GRAPHS[name]}
    for graph in hum.manifest["graphs"]:
        assert (hum.path(graph).read_bytes() == mine.path(graph).read_bytes()) == (graph not in new), graph
    assert (hum.folder / "codebooks.npy").read_bytes() == (mine.folder / "codebooks.npy").read_bytes()
    assert all(stage["after"] < stage["before"] for stage in stages.values() if stage["taken"])


def test_what_was_of_no_use_is_told_by_name(made):
    lines = made[1].stderr.splitlines()
    assert sum("broken.wav" in line for line in lines) == 1 and sum("two.flac" in line and "once" in line for line in lines) == 1
    assert not any("hidden" in line or "notes.txt" in line for line in lines)


def test_what_is_there_is_not_overwritten(made, folder, capsys):
    before = (made[0] / "mine" / "bundle.toml").read_bytes()
    assert cli.main(["train", "adapt", str(folder), "--name", "mine", "--out", str(made[0]), *GIVEN]) == 2
    assert "--again" in only_line(capsys)
    assert (made[0] / "mine" / "bundle.toml").read_bytes() == before


def test_a_worse_bundle_is_not_made(made, tmp_path):
    work = made[0] / "mine.work"
    copy = tmp_path / "work"
    copy.mkdir()
    (copy / "material.json").write_text((work / "material.json").read_text())
    stage = {"name": "notes", "run": ["finetune notes"]}
    (copy / "notes.json").write_text(json.dumps({"better": False, "what": "nats", "before": 1.0, "after": 2.0}))
    assert adapted.assemble(Bundle.open("hum"), copy, tmp_path / "mine", consent.Consent(**LEAVE), "", [stage], {}) == []
    assert not (tmp_path / "mine").exists()


def test_ctrl_c_in_a_stage_keeps_what_was_learned(made):
    """It saves, says so, and goes on from there: the steps of both runs add up."""
    work = made[0] / "mine.work"
    command = [sys.executable, "-m", "antiphon.train.finetune", "notes", "--minutes", "5", "--work"]
    (work / "notes.pt").unlink()
    child = subprocess.Popen([*command, str(work)], stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert "from step 0" in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=60)[0]
    assert child.returncode == 130 and "are kept" in said
    steps = torch.load(work / "notes.pt")["step"]
    assert steps >= 1
    done = subprocess.run([*command[:-2], "0.0001", "--work", str(work)], capture_output=True, text=True)
    assert f"from step {steps}" in done.stdout and done.returncode == 0


def only_line(capsys):
    """What was said on stderr, which must be one line."""
    said = capsys.readouterr()
    lines = said.err.strip().splitlines()
    assert len(lines) == 1, said.err
    return lines[0]


def refused(arguments, capsys):
    assert cli.main(["train", "adapt", *map(str, arguments)]) == 2
    return only_line(capsys)


@pytest.mark.parametrize("name", ["hum", "echo", "", "a/b", "../x", ".x", "-x", "a b", "x" * 41, "ä"])
def test_a_name_that_is_none_is_refused(name, folder, tmp_path, capsys):
    assert "--name" in refused([folder, f"--name={name}", "--out", tmp_path, *GIVEN], capsys)


@pytest.mark.parametrize("minutes", ["0", "-3", "nan", "inf", "soon", ""])
def test_minutes_that_are_none_are_refused(minutes, folder, tmp_path, capsys):
    assert "--minutes" in refused([folder, "--name", "mine", f"--minutes={minutes}", "--out", tmp_path, *GIVEN], capsys)


def test_what_is_no_folder_is_refused(folder, tmp_path, capsys):
    common = ["--name", "mine", "--out", tmp_path, *GIVEN]
    assert "is a file" in refused([folder / "one.wav", *common], capsys)
    assert "no such folder" in refused([folder / "nowhere", *common], capsys)
    assert "holds nothing" in refused([tmp_path, *common], capsys)
    assert "--out" in refused([folder, "--name", "mine", "--out", tmp_path / "nowhere", *GIVEN], capsys)
    (tmp_path / "mine").mkdir()
    assert "not replaced" in refused([folder, *common, "--again"], capsys)
    assert "no bundle" in refused([folder, "--name", "other", "--out", tmp_path, "--bundle", "huh"], capsys)
    assert "--name" in refused([folder], capsys)


def test_a_folder_of_something_else_is_no_work_folder(folder, tmp_path, capsys):
    """What lies in it stays: it is cleared only where it was made here."""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "results.json").write_text("{}")
    line = refused([folder, "--name", "mine", "--out", tmp_path, "--work", tmp_path / "thesis", "--again", *GIVEN], capsys)
    assert "no work folder" in line and (tmp_path / "thesis" / "results.json").exists()


@pytest.mark.parametrize("seed", ["-1", "4001", "x", "1.5"])
def test_a_seed_that_is_none_is_refused(seed, folder, capsys):
    assert "--seed" in refused([folder, "--name", "mine", f"--seed={seed}", *GIVEN], capsys)


def test_where_nothing_can_be_read_the_first_reason_is_told(tmp_path, capsys):
    (tmp_path / "a.wav").write_bytes(b"")
    (tmp_path / "b.mid").write_bytes(b"MThd")
    line = refused([tmp_path, "--name", "mine", "--out", tmp_path, *GIVEN], capsys)
    assert "not one of 2 files" in line and "a.wav" in line


def test_too_little_is_told_with_what_was_found(tmp_path, capsys):
    """Seconds of one line and how many are needed; chords are told for what they are."""
    sing(tmp_path / "short.wav", 12, 1)
    said = refused([tmp_path, "--name", "mine", "--out", tmp_path, *GIVEN], capsys)
    assert "60 s are needed" in said and "in 1 recordings" in said and "chords" not in said
    line = [(0.6 * number, 0.55, root) for number, root in enumerate([60, 57, 53, 55] * 30)]
    chords = sum(sung.sound([(onset, length, root + third) for onset, length, root in line], 75) for third in (0, 4, 7))
    soundfile.write(tmp_path / "chords.wav", chords / 3, 48_000)
    cli.main(["train", "adapt", str(tmp_path), "--name", "mine", "--out", str(tmp_path), *GIVEN])
    said = capsys.readouterr().err.strip().splitlines()
    assert "chords" in said[-1] and "60 s are needed" in said[-1]


def test_nothing_is_learned_without_leave(folder, tmp_path, capsys, monkeypatch):
    """Where nobody can be asked, one line names the options that are missing; an empty answer is none."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    line = refused([folder, "--name", "mine", "--out", tmp_path, "--performer", "me"], capsys)
    assert "--consent" in line and "--licence" in line and "--performer" not in line
    said = ["--performer", "me", "--consent", "  ", "--licence", "x"]
    assert "--consent" in refused([folder, "--name", "mine", "--out", tmp_path, *said], capsys)
    assert list(tmp_path.iterdir()) == []


def test_leave_is_asked_for_once(monkeypatch, capsys):
    """At a terminal; what options or an earlier run said is not asked again, and an answer is one line."""
    answers = iter(["yes,\tin   writing", "CC0-1.0"])
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda: next(answers))
    found = consent.obtain({"performer": "me"})
    assert found == consent.Consent("me", "yes, in writing", "CC0-1.0")
    assert "Whose sound" not in capsys.readouterr().err
    assert consent.obtain({}, {"performer": "me", "consent": "yes, in writing", "licence": "CC0-1.0"}) == found
    monkeypatch.setattr("builtins.input", lambda: "")
    with pytest.raises(UsageError, match="must say something"):
        consent.obtain({})
    with pytest.raises(UsageError, match="301 characters"):
        consent.obtain({**LEAVE, "consent": "x" * 301})


def test_ctrl_c_says_how_to_go_on(made, folder, tmp_path, capsys, monkeypatch):
    """Exit code 130; what was heard is not heard again."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "run", interrupted)
    options = ["--name", "other", "--out", str(tmp_path), "--work", str(made[0] / "mine.work"), *GIVEN]
    assert cli.main(["train", "adapt", str(folder), *options]) == 130
    said = capsys.readouterr().err
    assert "the same command goes on" in said and "going on in" in said
    assert not (tmp_path / "other").exists()


def test_other_material_does_not_go_on_in_the_same_work_folder(made, tmp_path, capsys):
    sing(tmp_path / "a.wav", 5, 9)
    line = refused([tmp_path, "--name", "other", "--out", tmp_path, "--work", made[0] / "mine.work", *GIVEN], capsys)
    assert "other material" in line and "--again" in line


def lesson(watched, loss=lambda net: net(torch.ones(1, 1)).square().sum()):
    net = torch.nn.Linear(1, 1)
    values = iter(watched)
    return Lesson(net, 1e-2, lambda step: {"loss": loss(net)}, lambda: next(values), lambda folder: {})


def test_learning_ends_where_the_watched_side_says_so(tmp_path, monkeypatch):
    """The state that was best is the one that is kept, and it is the first where nothing was better. A step takes a second here."""
    clock = itertools.count()
    monkeypatch.setattr(finetune, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    torch.manual_seed(0)
    taught = lesson([1.0] + [2.0] * 1000)
    first = {name: value.clone() for name, value in taught.net.state_dict().items()}
    learned = finetune.fit(taught, tmp_path / "x.pt", 3.0)
    assert 30 < learned["steps"] < 90, "a third of 180 steps"
    assert learned["stopped_early"] and learned["watched_best"] == learned["watched_before"] == 1.0
    assert all((value == first[name]).all() for name, value in taught.net.state_dict().items())


def test_learning_stops_when_told_and_goes_on_from_there(tmp_path):
    path, asked = tmp_path / "x.pt", []
    one = finetune.fit(lesson([3.0] * 1000), path, 10.0, lambda: asked.append(1) or len(asked) > 5)
    two = finetune.fit(lesson([3.0] * 1000), path, 10.0, lambda: asked.append(1) or len(asked) > 9)
    assert (one["steps"], two["steps"]) == (6, 9)


def test_a_loss_that_is_no_number_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="no number after 0 steps"):
        finetune.fit(lesson([1.0], lambda net: net(torch.full((1, 1), float("nan"))).sum()), tmp_path / "x.pt", 1.0)


def test_cuda_that_is_not_there_is_one_line(folder, tmp_path, capsys):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert "CUDA" in refused([folder, "--name", "mine", "--out", tmp_path, "--device", "cuda", *GIVEN], capsys)


def test_minutes_are_shared_among_the_stages_there_is_material_for():
    told = {"line_s": 100.0, "sides": {side: {"rows": 2, "seconds": 20, "notes": 0} for side in ("train", "watched", "held")}}
    options = adapt._parser().parse_args(["x", "--name", "mine", "--minutes", "17", "--seed", "3"])
    assert [stage["run"] for stage in adapt._stages(options, told)] == [
        ["finetune decoder --work WORK --minutes 10 --seed 3"], ["finetune acoustic --work WORK --minutes 7 --seed 3"]]  # fmt: skip


def test_a_decoder_that_is_as_it_was_has_forgotten_nothing():
    """And one that has changed has; what it rehearses on is a matter of the seed."""
    was, books = network.Decoder(width=16, feeds=[16, 16]).eval(), np.random.default_rng(0).standard_normal((4, 256, 32))
    told, again = (rehearsal.anybody(books, np.random.default_rng(1), "cpu") for _ in range(2))
    assert all((a == b).all() for a, b in zip(told, again, strict=True))
    changed = copy.deepcopy(was)
    with torch.no_grad():
        changed.leave.bias += 0.1
    assert rehearsal.forgotten(was, was, told) == 0
    assert abs(rehearsal.forgotten(changed, was, told).item() - 0.1) < 1e-3
    latent, pitch, loudness = told
    assert latent.shape == (*loudness.shape, 32) and pitch.shape[1] == 2 * loudness.shape[1]
    assert ((pitch == 0) | ((pitch > 30) & (pitch < 100))).all() and (loudness > 0).all() and (loudness < 48).all()


@pytest.mark.parametrize("name", ["decoder", "acoustic", "notes"])
def test_a_lesson_makes_nothing_on_another_device(made, name):
    """A step on torch's device without memory stands in for one on an accelerator: tensors that lie elsewhere are refused there."""
    lesson = LESSONS[name](Bundle.open("hum"), made[0] / "mine.work", 0, "meta")
    with torch.device("meta"):
        lesson.net.train()
        losses = lesson.losses(0)
        sum(losses.values()).backward()
    assert all(loss.device.type == "meta" for loss in losses.values())
