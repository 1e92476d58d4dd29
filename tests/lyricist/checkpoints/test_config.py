"""A number of a checkpoint is one that a network can have, or it is named and refused."""

import pytest

from lyricist.checkpoints.config import Config
from lyricist.errors import BuildError


@pytest.mark.parametrize("value", [0, -1, True, "1", float("inf"), float("nan"), 10**400])
def test_a_number_that_no_float_is_is_refused_by_its_name(value: object) -> None:
    config = Config("config.json", {"rope_theta": value, "factors": [1.0, value]})
    with pytest.raises(BuildError, match=r"^config\.json: rope_theta is not a number above 0"):
        config.real("rope_theta")
    with pytest.raises(BuildError, match=r"^config\.json: factors is not a list of numbers"):
        config.numbers("factors")
