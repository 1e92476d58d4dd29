"""The command line offers the presets that can be built."""

from lyricist.__main__ import PRESETS
from lyricist.building.recipes import RECIPES


def test_every_preset_of_the_command_line_has_a_recipe() -> None:
    assert set(PRESETS) == set(RECIPES)
