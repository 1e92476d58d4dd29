"""The command line offers the presets that can be built."""

from lyricist.building.recipes import RECIPES
from lyricist.bundle.manifest import PRESETS


def test_every_preset_of_the_command_line_has_a_recipe() -> None:
    assert set(PRESETS) == set(RECIPES)
