"""Content credentials: what is signed validates with the standard reader, and what was changed, stripped or is missing is said."""

import hashlib
import io
import json
import struct

import numpy as np
import pytest
from signing import ABOUT, DATA, flip, fresh_home, words, write  # noqa: F401  the fixture is found by its name

from antiphon.errors import UsageError
from antiphon.provenance import container
from antiphon.provenance.claim import KINDS, MADE, MARK
from antiphon.provenance.credentials import available, find, read, sign_file

c2pa = pytest.importorskip("c2pa")
pytest.importorskip("cryptography")

@pytest.mark.parametrize("name, channels", [
    ("mono.wav", 1), ("stereo.wav", 2), ("eight.wav", 8), ("Grüße – 歌.wav", 2),
    ("stereo.flac", 2), ("eight.flac", 8), ("歌.flac", 1),
])  # fmt: skip
@pytest.mark.parametrize("frames", [1, 4801])
def test_a_signed_file_validates_and_its_sound_is_untouched(tmp_path, name, channels, frames):
    """The library's own reader, given our authority, says Trusted; libsndfile reads the same words as before."""
    from antiphon.provenance import authority

    path = tmp_path / name
    before = write(path, channels, frames)
    assert sign_file(path, kind="carried-on", about=ABOUT) == path
    assert np.array_equal(words(path), before)
    context = c2pa.Context.from_dict({"trust": {"user_anchors": authority.anchors()}, "verify": {"remote_manifest_fetch": False}})
    with open(path, "rb") as file:
        reader = c2pa.Reader(None, file, None, context)
        assert reader.get_validation_state() == "Trusted"
        assert reader.get_validation_results()["activeManifest"]["failure"] == []
    found = read(path)
    assert (found.state, found.reason, found.where, found.own) == ("valid", "", "in the file", True)
    assert not list(tmp_path.glob("*.part"))


def test_a_reader_without_our_authority_finds_it_intact_and_untrusted(tmp_path):
    """Elsewhere the seal holds and nobody vouches for who made it."""
    path = tmp_path / "a.wav"
    write(path)
    sign_file(path, kind="mix", about=ABOUT)
    with open(path, "rb") as file:
        reader = c2pa.Reader("audio/wav", file)
        assert reader.get_validation_state() == "Valid"
        failures = reader.get_validation_results()["activeManifest"]["failure"]
        assert [one["code"] for one in failures] == ["signingCredential.untrusted"]


def test_what_the_credentials_say(tmp_path):
    """Source type, performer, consent, model, training data with licences, mark and what it was made from are all read back."""
    path, prompt = tmp_path / "a.wav", tmp_path / "hummed.wav"
    write(path)
    write(prompt, seed=1)
    sign_file(path, kind="carried-on", about=ABOUT, recording=prompt)
    found = read(path)
    assert found.source == "compositeWithTrainedAlgorithmicMedia"
    assert (found.performer, found.consent) == ("Ada Lövström", "I perform here and agree")
    assert (found.model, found.model_sha256, list(found.training)) == ("hum 1", "5a" * 32, DATA)
    assert (found.payload, found.kind, found.title, found.made_from) == ("0123456789ab", "carried-on", "a.wav", ("hummed.wav",))
    assert found.sound == container.sound_of(container.look(path))
    text = "\n".join(found.lines())
    for part in ("Ada Lövström", "1 of CC BY 4.0, 1 of CC0", "payload 0123456789ab", "no time stamp of a third party", "(AI)"):
        assert part in text
    json.dumps(found.as_json())


def test_the_assertions_are_where_the_standard_has_them(tmp_path):
    """One created action first, the recording placed, model and training data as inputs, soft binding, performer, one data hash."""
    path, prompt = tmp_path / "a.wav", tmp_path / "hummed.wav"
    write(path)
    write(prompt, seed=1)
    sign_file(path, kind="mix", about=ABOUT, recording=prompt)
    manifest = json.loads(c2pa.Reader(str(path)).detailed_json())
    store = next(iter(manifest["manifests"].values()))["assertion_store"]
    actions = store["c2pa.actions.v2"]["actions"]
    assert [one["action"] for one in actions] == ["c2pa.created", "c2pa.placed"]
    assert actions[0]["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert actions[0]["softwareAgent"]["name"] == "Antiphon"
    assert len(actions[0]["parameters"]["ingredients"]) == 2
    assert store["c2pa.soft-binding"]["alg"] == MARK
    assert store["c2pa.soft-binding"]["blocks"][0]["value"] == "0123456789ab"
    assert store["cawg.metadata"]["dc:creator"] == ["Ada Lövström"]
    assert store[MADE]["seed"] == 7
    assert sum(label.startswith("c2pa.hash") for label in store) == 1
    relations = [store[label]["relationship"] for label in sorted(store) if label.startswith("c2pa.ingredient")]
    assert sorted(relations) == ["componentOf", "inputTo", "inputTo"]


@pytest.mark.parametrize("kind, source", [
    ("mix", "compositeWithTrainedAlgorithmicMedia"), ("carried-on", "compositeWithTrainedAlgorithmicMedia"),
    ("voice", "trainedAlgorithmicMedia"), ("answer", "trainedAlgorithmicMedia"), ("performance", "digitalCapture"), ("prompt", ""),
])  # fmt: skip
def test_each_kind_has_its_source_type(tmp_path, kind, source):
    """What was generated is called so; what was only recorded is not, and carries no soft binding to a mark it does not have."""
    path, prompt = tmp_path / "a.wav", tmp_path / "p.wav"
    write(path)
    write(prompt)
    sign_file(path, kind=kind, about=ABOUT, recording=None if kind == "performance" else prompt)
    found = read(path)
    assert (found.state, found.source, found.kind) == ("valid", source, kind)
    assert bool(found.payload) == bool(found.model) == KINDS[kind].marked
    assert len(find("0123456789ab")) == KINDS[kind].marked


def test_without_a_trained_model_none_is_claimed(tmp_path):
    """The bundle echo was trained on nothing: its answer is not called AI."""
    path = tmp_path / "a.wav"
    write(path)
    sign_file(path, kind="voice", about={**ABOUT, "bundle": "echo"})
    assert (read(path).source, read(path).training) == ("algorithmicMedia", ())


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_one_flipped_byte_is_found(tmp_path, name):
    """In the header, in the tags, anywhere in the sound: never valid again, and said to have been changed."""
    path = tmp_path / name
    write(path)
    sign_file(path, kind="voice", about=ABOUT)
    place, whole = container.look(path), path.read_bytes()
    inside = range(place.manifest[0] - 8, sum(place.manifest) + 1)
    outside = [at for at in range(len(whole)) if at not in inside]
    for at in [*outside[12:80:6], *np.random.default_rng(1).choice(outside, 25), outside[-1]]:
        path.write_bytes(whole)
        flip(path, int(at))
        assert read(path).state in ("broken", "none"), at  # none: the chunk's own name or length
    path.write_bytes(whole)
    assert read(path).state == "valid"
    flip(path, len(whole) - 9 if name.endswith("flac") else place.sound[0] + 77)
    assert (read(path).state, read(path).reason) == ("broken", "the file was changed after it was signed")
    assert "prove nothing" in "\n".join(read(path).lines())


def test_a_changed_statement_is_found(tmp_path):
    """Another performer's name in the manifest does not pass."""
    path = tmp_path / "a.wav"
    write(path)
    sign_file(path, kind="voice", about=ABOUT)
    whole = path.read_bytes()
    assert whole.count(b"I perform here and agree") >= 1
    path.write_bytes(whole.replace(b"I perform here and agree", b"I perform here and object"[:24]))
    assert read(path).state == "broken"


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_without_credentials_has_none(tmp_path, name):
    """Nothing is found where nothing is, not even when another file beside it is signed."""
    write(tmp_path / name)
    write(tmp_path / "other.wav")
    sign_file(tmp_path / "other.wav", kind="voice", about=ABOUT)
    found = read(tmp_path / name)
    assert (found.state, found.lines()) == ("none", ["content credentials: none"])


def test_a_file_is_signed_once(tmp_path):
    """A second signature would hide the first: refused, the file stays as it was."""
    path = tmp_path / "a.wav"
    write(path)
    sign_file(path, kind="mix", about=ABOUT)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="already carries content credentials"):
        sign_file(path, kind="voice", about=ABOUT)
    assert path.read_bytes() == before


def test_rf64_has_its_credentials_beside_it(tmp_path):
    """No reader looks for them inside a RF64: they lie in NAME.c2pa, and a flipped byte is found all the same."""
    path = tmp_path / "long.wav"
    write(path, form="RF64")
    before = path.read_bytes()
    assert before[:4] == b"RF64"
    assert sign_file(path, kind="mix", about=ABOUT) == tmp_path / "long.c2pa"
    assert path.read_bytes() == before
    found = read(path)
    assert (found.state, found.where) == ("valid", "beside it")
    assert found.sound == container.sound_of(container.look(path)) == find("0123456789ab")[0].sound
    packed = (words(path) >> 8).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    assert found.sound == "sha256:" + hashlib.sha256(packed).hexdigest()
    flip(path, len(before) // 2)
    assert read(path).state == "broken"


def test_a_file_that_would_grow_too_large_has_its_credentials_beside_it(tmp_path, monkeypatch):
    """The size of a RIFF has 32 bits: where the chunk no longer fits, the file is left alone."""
    path = tmp_path / "a.wav"
    write(path)
    before = path.read_bytes()
    monkeypatch.setattr(container, "_RIFF_MOST", len(before) + 100)
    assert sign_file(path, kind="mix", about=ABOUT) == tmp_path / "a.c2pa"
    assert path.read_bytes() == before
    assert (read(path).state, read(path).where) == ("valid", "beside it")


def test_a_signing_that_was_cut_off_leaves_the_file_that_was(tmp_path):
    """Killed before the last four bytes: the sound is whole, there are no credentials, and signing again mends it."""
    path = tmp_path / "a.wav"
    before = write(path)
    size = path.stat().st_size
    sign_file(path, kind="mix", about={**ABOUT, "consent": "long " * 60})
    with open(path, "r+b") as file:
        file.seek(4)
        file.write(struct.pack("<I", size - 8))
    assert container.look(path).cut
    assert read(path).state == "none"
    assert np.array_equal(words(path), before)
    sign_file(path, kind="mix", about=ABOUT)
    assert read(path).state == "valid"
    assert np.array_equal(words(path), before)


def test_a_full_disk_leaves_the_file_that_was(tmp_path, monkeypatch):
    """Where the chunk cannot be written the file is cut back to what it was, and one line says so."""
    path = tmp_path / "a.wav"
    write(path)
    before = path.read_bytes()

    def full(file):
        raise OSError(28, "No space left on device")

    for name in ("a.wav", "a.flac"):
        path = tmp_path / name
        write(path)
        before = path.read_bytes()
        monkeypatch.setattr(container, "_settle", full)
        with pytest.raises(UsageError, match="the credentials cannot be written .No space left"):
            sign_file(path, kind="mix", about=ABOUT)
        assert path.read_bytes() == before
        assert {one.name for one in tmp_path.iterdir()} <= {"a.wav", "a.flac"}


def test_other_chunks_stay(tmp_path):
    """Tags before and chunks after the sound, an odd length, and bytes after the end of the RIFF."""
    path = tmp_path / "a.wav"
    odd = b"\1\2\3"
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 48_000, 48_000, 1, 8) + b"data" + struct.pack("<I", 3) + odd
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)  # the pad byte is left out, as some programs do
    sign_file(path, kind="mix", about=ABOUT)
    assert read(path).state == "valid"
    assert read(path).sound == "sha256:" + hashlib.sha256(odd).hexdigest()
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + 9) + body + b"\0LIST" + struct.pack("<I", 0) + b"junk after")
    assert sign_file(path, kind="mix", about=ABOUT) == tmp_path / "a.c2pa"  # it cannot be appended to
    assert read(path).state == "valid"


@pytest.mark.parametrize("content", [
    b"", b"RIFF", b"RIFF\xff\xff\xff\xffWAVE", b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"fLaC", b"hello there", b"C2PA" * 40,
])  # fmt: skip
def test_what_is_no_sound_file_is_not_called_anything(tmp_path, content):
    """Scraps and text: none or undecided, never valid, never an exception."""
    path = tmp_path / "scrap.wav"
    path.write_bytes(content)
    assert read(path).state in ("none", "undecided")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_headers_do_not_end_the_reader(tmp_path, seed):
    """Random bytes over the first hundred and over the manifest of a signed file."""
    random = np.random.default_rng(seed)
    path = tmp_path / ("a.wav" if seed % 2 else "a.flac")
    write(path, frames=100)
    sign_file(path, kind="voice", about=ABOUT)
    whole = bytearray(path.read_bytes())
    for at in random.choice(min(len(whole), 100 if seed % 4 < 2 else len(whole)), 5):
        whole[at] = random.integers(256)
    path.write_bytes(whole)
    assert read(path).state in ("valid", "broken", "none", "undecided")  # valid: the byte it was, or padding


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read .No such file"):
        read(tmp_path / "none.wav")
    with pytest.raises(UsageError, match="is not a file"):
        read(tmp_path)
    with pytest.raises(UsageError, match="cannot be read .No such file"):
        sign_file(tmp_path / "none.wav", kind="mix", about=ABOUT)


def test_a_link_stays_a_link(tmp_path):
    """FLAC is written anew: where the link points."""
    write(tmp_path / "real.flac")
    (tmp_path / "link.flac").symlink_to(tmp_path / "real.flac")
    sign_file(tmp_path / "link.flac", kind="mix", about=ABOUT)
    assert (tmp_path / "link.flac").is_symlink()
    assert read(tmp_path / "real.flac").state == "valid"


def test_a_file_that_the_library_signed_is_read_by_us(tmp_path):
    """Where other programs put a manifest is where we look: WAV and FLAC."""
    from antiphon.provenance import authority

    who = authority.current()
    for name, mime in (("a.wav", "audio/wav"), ("a.flac", "audio/flac")):
        write(tmp_path / name)
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo("es256", who.chain.encode(), who.key.encode(), None))
        source = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
        action = {"action": "c2pa.created", "digitalSourceType": source}
        told = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
        out = io.BytesIO()
        with open(tmp_path / name, "rb") as file:
            manifest = c2pa.Builder(told).sign(signer, mime, file, out)
        (tmp_path / name).write_bytes(out.getvalue())
        assert container.manifest(container.look(tmp_path / name)) == (manifest, "in the file")
        assert (read(tmp_path / name).state, read(tmp_path / name).source) == ("valid", "digitalCapture")


def test_it_is_available_here():
    assert available()
