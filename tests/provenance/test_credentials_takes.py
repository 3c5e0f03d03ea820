"""Credentials of takes and of what render writes, and manifests that are kept: found again by the mark of a stripped file."""

import hashlib
import json
import os

import numpy as np
import pytest
import soundfile
from signing import ABOUT, DATA, flip, fresh_home, words, write  # noqa: F401  the fixture is found by its name

from antiphon.errors import UsageError
from antiphon.provenance import container, manifests
from antiphon.provenance.credentials import find, read, sign_file, sign_render, sign_take
from antiphon.provenance.reading import read_manifest

c2pa = pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

def strip(path):
    """Write the file anew without its credentials, as an editor that knows nothing of them does."""
    sound, rate = soundfile.read(os.fsencode(path), dtype="int32", always_2d=True)
    soundfile.write(os.fsencode(path), sound, rate, "PCM_24", format={".flac": "FLAC"}.get(path.suffix, "WAV"))


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_stripped_file_finds_its_manifest_by_its_mark(tmp_path, name):
    """After its metadata was taken away the payload leads to the manifest, which still says all, and to the same sound."""
    path = tmp_path / name
    write(path)
    sign_file(path, kind="carried-on", about=ABOUT)
    strip(path)
    assert read(path).state == "none"
    (kept,) = find("0123456789AB")
    assert (kept.kind, kept.file, kept.performer, kept.bundle) == ("carried-on", name, "Ada Lövström", "hum")
    assert kept.sound == container.sound_of(container.look(path))
    told = read_manifest(kept.manifest)
    assert (told.state, told.performer, told.payload, told.own) == ("valid", "Ada Lövström", "0123456789ab", True)
    assert "not decided" in told.reason
    assert find("ba9876543210") == []


def test_a_changed_manifest_in_the_store_is_found(tmp_path):
    """What is kept is checked like any other."""
    path = tmp_path / "a.wav"
    write(path)
    sign_file(path, kind="voice", about=ABOUT)
    kept = find("0123456789ab")[0].manifest
    kept.write_bytes(kept.read_bytes().replace(b"Ada", b"Eve"))
    assert read_manifest(kept).state == "broken"


def test_the_same_payload_twice_keeps_both(tmp_path):
    """A second file of one take does not take the place of the first."""
    for name in ("a.wav", "b.wav"):
        write(tmp_path / name)
        sign_file(tmp_path / name, kind="voice", about=ABOUT)
    assert [one.file for one in find("0123456789ab")] == ["a.wav", "b.wav"]


def test_nothing_is_pruned_but_by_the_owner(tmp_path, monkeypatch):
    """A full store keeps what it has, says so, and the file is signed all the same; clear empties it."""
    monkeypatch.setattr(manifests, "MOST", 1)
    said = []
    for name in ("a.wav", "b.wav"):
        write(tmp_path / name)
        sign_file(tmp_path / name, kind="voice", about=ABOUT, say=said.append)
    assert [one.file for one in find("0123456789ab")] == ["a.wav"]
    assert len(said) == 1
    assert "no more are kept; antiphon credentials clear" in said[0]
    assert read(tmp_path / "b.wav").state == "valid"
    assert manifests.clear("2001-01-01") == 0
    assert manifests.clear() == 1
    assert find("0123456789ab") == []
    with pytest.raises(UsageError, match="--before '1 May'"):
        manifests.clear("1 May")


def test_half_a_line_in_the_index_hurts_nothing(tmp_path):
    """The manifests are the truth; a damaged index only tells less."""
    write(tmp_path / "a.wav")
    sign_file(tmp_path / "a.wav", kind="voice", about=ABOUT)
    index = manifests.folder() / manifests.INDEX
    index.write_text('{"manifest": "01234\n[1]\n' + index.read_text() + '{"mani')
    assert [one.file for one in find("0123456789ab")] == ["a.wav"]
    index.unlink()
    assert [one.kind for one in find("0123456789ab")] == ["voice"]


@pytest.mark.parametrize("payload", ["", "0123", "0123456789xy", "../../etc/pass", "0123456789abcd"])
def test_what_is_no_payload_is_refused(payload):
    with pytest.raises(UsageError, match="is no payload"):
        find(payload)


def test_the_recordings_own_credentials_are_taken_along(tmp_path):
    """A signed performance stays signed as an ingredient: its manifest is in the mix's store."""
    dry, mix = tmp_path / "dry.wav", tmp_path / "mix.wav"
    write(dry)
    write(mix, seed=1)
    sign_file(dry, kind="performance", about=ABOUT)
    sign_file(mix, kind="mix", about=ABOUT, recording=dry)
    store = json.loads(c2pa.Reader(str(mix)).json())
    assert len(store["manifests"]) == 2
    assert read(mix).state == "valid"
    flip(dry, 3000)
    other = tmp_path / "other.wav"
    write(other, seed=2)
    sign_file(other, kind="mix", about=ABOUT, recording=dry)  # that the recording was changed is in its record
    found = read(other)
    assert (found.state, found.made_from) == ("valid", ("dry.wav",))
    ingredients = json.loads(c2pa.Reader(str(other)).json())["manifests"][found.label]["ingredients"]
    (ingredient,) = [one for one in ingredients if one["title"] == "dry.wav"]
    assert "assertion.dataHash.mismatch" in [one["code"] for one in ingredient["validation_results"]["activeManifest"]["failure"]]


def take(folder, **more):
    folder.mkdir()
    write(folder / "dry.wav", 1)
    write(folder / "voice.wav", 1, seed=1)
    write(folder / "mix.wav", 2, seed=2)
    about = {"format": "antiphon take 1", "id": "0123456789ab", "started": "2026-11-27T04:00:00Z", "samplerate": 48000,
             "bundle": "hum", "seed": 3, "performer": {"name": "Ada", "consent": "yes"}, **more}  # fmt: skip
    (folder / "take.json").write_text(json.dumps(about))
    (folder / "log.jsonl").write_bytes(b"{}\n")
    return folder


def test_a_take_is_signed_stem_by_stem(tmp_path):
    """dry is the performer's, voice is generated, mix is both and made from dry; a second time there is nothing left to sign."""
    folder = take(tmp_path / "take")
    assert [path.name for path in sign_take(folder, {"data": DATA, "digest": "5a" * 32})] == ["dry.wav", "voice.wav", "mix.wav"]
    found = {name: read(folder / f"{name}.wav") for name in ("dry", "voice", "mix")}
    assert {one.state for one in found.values()} == {"valid"}
    sources = [one.source for one in found.values()]
    assert sources == ["digitalCapture", "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
    assert {one.performer for one in found.values()} == {"Ada"}
    assert [one.payload for one in found.values()] == ["", "0123456789ab", "0123456789ab"]
    assert {one.log_sha256 for one in found.values()} == {hashlib.sha256(b"{}\n").hexdigest()}
    assert found["mix"].made_from == found["voice"].made_from == ("dry.wav",)
    assert (found["mix"].model, list(found["mix"].training)) == ("hum", DATA)
    assert sorted(one.kind for one in find("0123456789ab")) == ["mix", "voice"]
    assert sign_take(folder) == []
    write(folder / "mix.wav", form="RF64")
    assert sign_take(folder) == [folder / "mix.c2pa"]
    assert sign_take(folder) == []


@pytest.mark.parametrize("frames", [960, 1001])
def test_a_signed_take_still_proves_itself(tmp_path, frames):
    """The take's own check knows what was put behind its stems, and the credentials hold its log."""
    from antiphon.take import TakeSpec, TakeWriter, verify

    about = {"bundle": "hum", "performer": "Ada", "consent": "yes"}
    writer = TakeWriter(TakeSpec(tmp_path / "take", 48_000, 1, 2, "0123456789ab", about))
    random = np.random.default_rng(0).standard_normal((frames, 4)).astype(np.float32) * 0.1
    writer.sound(random[:, :1], random[:, 1], random[:, 2:])
    writer.second({})
    writer.close("stopped")
    assert len(sign_take(tmp_path / "take")) == 3
    assert [read(tmp_path / "take" / f"{name}.wav").state for name in ("dry", "voice", "mix")] == ["valid"] * 3
    report = verify(tmp_path / "take")
    assert report.problems == ()
    assert sum("C2PA" in line for line in report.notes) == 3
    found = read(tmp_path / "take" / "mix.wav")
    assert found.log_sha256 == hashlib.sha256((tmp_path / "take" / "log.jsonl").read_bytes()).hexdigest()
    assert (found.performer, found.consent, found.model, found.payload) == ("Ada", "yes", "hum", "0123456789ab")


def test_a_folder_that_is_no_take_is_said(tmp_path):
    with pytest.raises(UsageError, match="take.json cannot be read .No such file"):
        sign_take(tmp_path)
    (tmp_path / "take.json").write_text("[1]")
    with pytest.raises(UsageError, match="not as it was written"):
        sign_take(tmp_path)


def test_what_render_writes_is_signed(tmp_path):
    """OUT is a recording followed by its answer, or the answer alone; the prompt's stem is opened from IN, not generated."""
    names = ("in.flac", "out.flac", "prompt.wav", "voice.wav", "answer.wav")
    paths = {name: tmp_path / name for name in names}
    for path in paths.values():
        write(path)
    stems = {"prompt": paths["prompt.wav"], "voice": paths["voice.wav"]}
    signed = sign_render(paths["out.flac"], about=ABOUT, prompt=paths["in.flac"], stems=stems)
    assert signed == [paths["out.flac"], paths["prompt.wav"], paths["voice.wav"]]
    assert sign_render(paths["answer.wav"], about=ABOUT, prompt=paths["in.flac"], answer_only=True) == [paths["answer.wav"]]
    assert [read(paths[name]).kind for name in names[1:]] == ["carried-on", "prompt", "voice", "answer"]
    assert {read(paths[name]).state for name in names[1:]} == {"valid"}
    actions = json.loads(c2pa.Reader(str(paths["prompt.wav"])).json())
    (manifest,) = actions["manifests"].values()
    assert [one["action"] for one in manifest["assertions"][0]["data"]["actions"]] == ["c2pa.opened", "c2pa.edited"]
    assert read(paths["in.flac"]).state == "none"
