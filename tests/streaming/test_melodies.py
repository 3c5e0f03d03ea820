"""What the note model is taught with: the same each time, split by tune family, told the same matches as at play."""

import gzip
import json

import numpy as np
import pytest

from antiphon.model import match, score

melodies = pytest.importorskip("antiphon.train.melodies")


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Sixty tunes in twenty families: each is there three times, transposed and a little changed."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("melodies")
    with gzip.open(folder / "tunes.jsonl.gz", "wt", encoding="utf-8") as out:
        for _ in range(20):
            tune = np.cumsum(rng.choice([-4, -3, -2, -1, 0, 1, 2, 3, 5], 60)) % 19 + 60
            for shift in (0, 5, -2):
                variant = tune + shift
                variant[rng.integers(60)] += 1
                notes = [[int(p), i * 0.5, 0.5] for i, p in enumerate(variant)]
                out.write(json.dumps({"fifths": 0, "notes": notes}) + "\n")
    return melodies.read_lines(folder)


def test_variants_are_one_family_and_never_on_both_sides(lines):
    """Transposed and slightly changed tunes are found to be one family; strangers are not."""
    families = melodies.tune_families(lines).reshape(20, 3)
    assert all(len(set(row)) == 1 for row in families)
    assert len(np.unique(families)) == 20
    train, held = melodies.split(lines)
    assert len(train) + len(held) == len(lines) and len(held) % 3 == 0 and len(held) >= 3


def test_same_seed_same_batch(lines):
    """A batch is its seed's; another seed gives another."""
    one, two, other = (melodies.performances(lines, 4, 64, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not np.array_equal(one["pitch"], other["pitch"])


@pytest.mark.parametrize("plain", [True, False])
def test_every_number_is_a_class(lines, plain):
    """Pitches, waits, articulations, registers and matches are within the note language."""
    batch = melodies.performances(lines, 24, 128, 3, plain=plain)
    sizes = {
        "pitch": score.NOTES, "next_pitch": score.NOTES, "ioi": score.IOIS, "articulation": score.ARTICULATIONS,
        "register": 2 * score.LEAP + 1, "match_interval": score.INTERVALS, "match_ioi": score.IOIS + 1,
        "match_length": score.LONGEST_MATCH + 1,
    }  # fmt: skip
    for name, size in sizes.items():
        assert 0 <= batch[name].min() and batch[name].max() < size, name
    assert np.array_equal(batch["next_pitch"][:, :-1], batch["pitch"][:, 1:])
    assert np.array_equal(score.ioi_bin(batch["hops"]), batch["ioi"])
    assert (batch["weight"].min() == 1.0) == plain


def test_training_matches_as_the_instrument_does(lines):
    """The trainer's match model gives what `match.longest_suffix` gives, note for note."""
    batch = melodies.performances(lines, 3, 128, 5, plain=True)
    for row in range(3):
        for n in range(128):
            told = tuple(int(batch[name][row, n]) for name in ("match_interval", "match_ioi", "match_length"))
            assert match.longest_suffix(batch["pitch"][row, : n + 1], batch["ioi"][row, : n + 1]) == told


def test_step_graph_equals_the_network(lines, tmp_path):
    """The exported graph, note by note with its ring, gives the logits of the whole network, also beyond the window."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from antiphon.train import export_notes, notes

    torch.manual_seed(0)
    net = notes.NoteNet(width=64, layers=2, heads=2).eval()
    batch = melodies.performances(lines, 1, score.WINDOW + 40, 6, plain=True)
    full = export_notes.export(net, tmp_path / "notes.onnx")
    with torch.no_grad():
        whole = torch.cat(net(notes.as_tensors(batch)), -1).numpy()
    assert np.abs(export_notes.step_logits(full, batch, 1) - whole).max() < 1e-4
