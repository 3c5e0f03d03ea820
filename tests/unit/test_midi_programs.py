"""Program numbers of presets: they stay."""

import os

import pytest

from antiphon.control.midiprograms import programs
from antiphon.params.presets import preset_files, preset_folder


@pytest.fixture
def save(monkeypatch, tmp_path):
    """Save an empty preset of one's own that was written so many seconds after the first."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def save(name, at_s):
        preset_folder().mkdir(parents=True, exist_ok=True)
        path = preset_folder() / f"{name}.toml"
        path.write_text("[values]\n")
        os.utime(path, (1e9 + at_s, 1e9 + at_s))

    return save


def test_those_that_come_with_it_are_first_and_nothing_is_written(save):
    assert programs() == sorted(preset_files())
    assert not preset_folder().exists()


def test_numbers_stay(save):
    """New ones go to the end, the older first; what is saved again or sorts before moves nothing; deleted leaves a gap."""
    shipped = programs()
    save("zeta", 0)
    save("mine", 1)
    assert programs() == [*shipped, "zeta", "mine"]
    save("alpha", 2)
    save("zeta", 3)
    save(shipped[1], 4)  # one's own in place of one that comes with it
    assert programs() == [*shipped, "zeta", "mine", "alpha"]
    (preset_folder() / "mine.toml").unlink()
    save("beta", 5)
    assert programs() == [*shipped, "zeta", "mine", "alpha", "beta"]
    (preset_folder() / "programs.txt").write_text("beta\n\nbeta \nzeta\n")
    assert programs()[:2] == ["beta", "zeta"]
    assert sorted(programs()) == sorted([*shipped, "zeta", "alpha", "beta"])


def test_a_folder_that_cannot_be_written(save):
    """The file is a folder: numbers all the same, nothing raised."""
    shipped = programs()
    save("zeta", 0)
    save("mine", 1)
    (preset_folder() / "programs.txt").mkdir()
    assert programs() == [*shipped, "zeta", "mine"]
    assert sorted(path.name for path in preset_folder().iterdir()) == ["mine.toml", "programs.txt", "zeta.toml"]
