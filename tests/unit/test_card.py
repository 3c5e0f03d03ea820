"""A model card says what a bundle's files say, of this bundle and no other, and says what they leave out."""

import json

import pytest

pytest.importorskip("soxr")
pytest.importorskip("onnxruntime")
from antiphon import cli  # noqa: E402
from antiphon.errors import BundleError, UsageError  # noqa: E402
from antiphon.model.bundle import Bundle  # noqa: E402
from antiphon.train import card, pipeline  # noqa: E402

MANIFEST = """
format = 2
name = "mine"
version = "3"
about = "Carries a | line on."
licence = "CC0"
samplerate = 48000
hop_frames = 960
bytes = 1234567

[latency]
note_lag_frames = 5760

[card]
does = ["Hears one line."]
intended = ["Playing with."]
bad_at = ["Chords\\nand # more"]

[[stages]]
name = "codec"
run = ["codec --minutes 10", "export_codec"]
note = "stopped early"

[[data]]
kind = "recordings"
source = "someone/sounds"
licence = "CC BY 4.0"
files = 12
minutes = 3.5

[figures.codec]
steps = 6988
[figures.codec.against_teacher.teacher]
mel_db = 4.5
[figures.codec.against_teacher.pruned]
mel_db = 4.6

[graphs.decoder]
file = "decoder.onnx"
sha256 = "ab12"
"""
COST = {
    "codec --minutes 10": {"stage": "codec", "done": True, "minutes": 10.0, "core_minutes": 20.0, "joules": 3.6e6,
                           "energy": "measured by RAPL, the whole socket", "machine": "A Processor, 2 cores"},
    "codec --minutes 99": {"stage": "codec", "done": True, "minutes": 99.0, "core_minutes": 99.0, "joules": 7.2e6,
                           "energy": "estimated"},
}  # fmt: skip
FIGURES = {
    "graphs": {"decoder": "ab12"}, "prompt_s": 5.0, "seconds": 15.0, "seeds": 5,
    "clips": {"a": {"held": False}, "b": {"held": True}},
    "aims": {
        "in_key": {"figure": 0.91, "how": "mean", "wanted": 0.97, "of": 40, "truth": {"figure": 0.66, "of": 3, "ours": 0.8},
                   "held": {"figure": 0.94, "of": 30, "truth": {"figure": 0.92, "of": 10, "ours": 0.94}}},
        "resynthesis, mel distance dB": {"figure": 3.5, "how": "mean", "wanted": 4.0, "of": 13, "most": True},
        "resynthesis, ViSQOL": {"figure": None, "how": "mean", "wanted": None, "of": 0},
    },
    "splits": {"clips": {"class": {"voice": {"clips": ["a"], "rows": {"in_key": [0.85, 20], "resynthesis, ViSQOL": [3.3, 1]}}}}},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bundle.toml").write_text(MANIFEST)
    return tmp_path / "mine"


def test_a_card_has_everything_that_the_files_know(folder):
    text = card.write(folder, FIGURES, COST).read_text()
    for said in (
        "# Model card: mine", "Carries a \\| line on.", f"`{Bundle.open(folder).digest()}`", "| note lag frames | 5760 | 120 |",
        "## Intended use\n\n- Playing with.", "- Chords and # more",
        "| recordings | someone/sounds | CC BY 4.0 | 12 files, 3.5 minutes |",
        "stopped early", "| codec | 10 | 20 | 1 kWh (measured by RAPL, the whole socket) |", "on A Processor, 2 cores",
        "What else was tried in the same folder: 1 lines, 99 core-minutes, 2 kWh (estimated)",
        "What 1 of 2 lines cost was not recorded.",
        "| against teacher | teacher | pruned |", "| mel db | 4.5 | 4.6 |", "| steps | 6,988 |",
        "| notes in the prompt's key | 0.91 | ≥ 0.97 | missed | 40 | 0.66 (3) | 0.94 | 30 | 0.92 (10) |",
        "| resynthesis, mel distance dB | 3.5 | ≤ 4 | met | 13 |", "| resynthesis, ViSQOL | – | – |  | 0 |",
        "| recordings, by class | voice (1) |", "| notes in the prompt's key | 0.85 |",
    ):  # fmt: skip
        assert said in text, said
    assert "3.3" not in text.split("## Who fares worse")[1], "of what nothing is wanted the split is left out"


def test_what_no_file_says_is_said_to_be_missing(folder):
    """Never a number made up, never a section silently left out."""
    text = card.write(folder).read_text()
    for said in ("*Not evaluated.*", "## Not for\n\n*Nothing was said", "What 2 of 2 lines cost was not recorded."):
        assert said in text, said


def test_words_may_come_from_a_recipe_and_must_be_lists_of_lines(folder):
    assert "- Nothing else." in card.write(folder, words={"misuse": ["Nothing else."]}).read_text()
    with pytest.raises(UsageError, match=r"\[card\]: misuse must be a list of lines"):
        card.write(folder, words={"misuse": "Nothing else."})


def test_figures_of_another_bundle_are_refused(folder):
    with pytest.raises(UsageError, match="another bundle than 'mine'"):
        card.write(folder, FIGURES | {"graphs": {"decoder": "cd34"}})
    assert not (folder / "CARD.md").exists()


def test_an_adapted_bundle_says_whose_sound_it_is_and_what_became_better(folder):
    (folder / "bundle.toml").write_text(MANIFEST + """
[adapted]
from = "hum"
performer = "Ada"
consent = "asked and said yes"
[adapted.cost]
core_minutes = 12.0
joules = 7200.0
energy = "estimated"
[[adapted.stages]]
name = "decoder"
what = "mel distance, dB"
before = 5.1
after = 4.2
taken = true
""")
    text = card.write(folder).read_text()
    row = "| decoder | mel distance, dB | 5.1 | 4.2 | True |"
    for said in ("- performer: Ada", "- consent: asked and said yes", row, "12 core-minutes"):
        assert said in text, said


@pytest.mark.parametrize("content", ["", "[]", '{"aims": {}}'])
def test_a_file_that_holds_no_figures_is_told_in_a_line(folder, tmp_path, capsys, content):
    (tmp_path / "figures.json").write_text(content)
    assert card.main([str(folder), "--figures", str(tmp_path / "figures.json")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "figures" in line and line.startswith("antiphon train card: ")


def test_the_card_of_a_bundle_is_printed_and_checked_for_its_age(folder, tmp_path, capsys):
    """Written by the command line, read by it; after another export it says that it is not of it."""
    given = []
    for name, content in (("figures", FIGURES), ("cost", COST)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        given += [f"--{name}", str(tmp_path / f"{name}.json")]
    assert cli.main(["bundle", "info", str(folder), "--card"]) == 2
    assert "has no CARD.md" in capsys.readouterr().err
    assert cli.main(["train", "card", str(folder), *given]) == 0
    assert cli.main(["bundle", "info", str(folder), "--card"]) == 0
    said = capsys.readouterr()
    assert "# Model card: mine" in said.out and not said.err
    (folder / "bundle.toml").write_text(MANIFEST + "# exported again\n")
    assert cli.main(["bundle", "info", str(folder), "--card", "--json"]) == 0
    said = capsys.readouterr()
    assert "another export" in said.err and json.loads(said.out)["card"].startswith("# Model card")


def test_a_card_that_is_no_text_is_no_card(folder):
    (folder / "CARD.md").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match="can't be read"):
        Bundle.open(folder).card()


def test_the_recipe_that_ships_has_words_for_every_part():
    from pathlib import Path

    import antiphon.train

    words = pipeline.read_recipe(Path(antiphon.train.__file__).parent / "hum.toml")["card"]
    assert set(words) == set(card.WORDS) and all(isinstance(line, str) for lines in words.values() for line in lines)
