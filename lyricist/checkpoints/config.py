"""A checkpoint's numbers, by the names that Hugging Face's config.json gives them, each checked."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lyricist.errors import BuildError

#: Larger than any network that a bundle could hold.
MOST_LAYERS, MOST_HEADS, MOST_WIDTH, MOST_POSITIONS = 1000, 1024, 1 << 18, 1 << 31
MOST_TOKENS = 1 << 20
#: JSON has whole numbers that are larger than any float.
_LARGEST = sys.float_info.max


class Config:
    """The numbers of one checkpoint. A number that is null counts as missing."""

    def __init__(
        self, place: str, values: Mapping[str, Any], labels: Mapping[str, str] | None = None
    ) -> None:
        """`place` and `labels`: where the numbers stand, and under which other names."""
        self._place, self._values, self._labels = place, values, labels or {}

    def has(self, key: str) -> bool:
        return self._values.get(key) is not None

    def whole(self, key: str, most: int, default: int | None = None, least: int = 1) -> int:
        """A whole number from `least` to `most`. Raises BuildError."""
        value = self._value(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self.fault(key, f"is not a number from {least} to {most}")
        return value

    def real(self, key: str, default: float | None = None) -> float:
        """A finite number above 0. Raises BuildError."""
        value = self._value(key, default)
        if type(value) not in (int, float) or not 0 < value <= _LARGEST:
            raise self.fault(key, "is not a number above 0")
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false, false where nothing is said. Raises BuildError."""
        value = self._value(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, "is neither true nor false")
        return value

    def text(self, key: str, default: str) -> str:
        """Raises BuildError."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self.fault(key, "is not a text")
        return value

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers above 0; () where there is none. Raises BuildError."""
        values = self._value(key, ())
        if not isinstance(values, Sequence) or any(
            type(value) not in (int, float) or not 0 < value <= _LARGEST for value in values
        ):
            raise self.fault(key, "is not a list of numbers above 0")
        return tuple(map(float, values))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; () where there is none. Raises BuildError."""
        values = self._value(key, ())
        if not isinstance(values, Sequence) or not all(isinstance(each, str) for each in values):
            raise self.fault(key, "is not a list of texts")
        return tuple(values)

    def part(self, key: str) -> "Config":
        """The numbers that stand together under `key`; none where it is missing."""
        value = self._value(key, {})
        if not isinstance(value, Mapping):
            raise self.fault(key, "is not a group of numbers")
        labels = {name: f"{self._label(key)}.{name}" for name in value}
        return Config(self._place, value, labels)

    def fault(self, key: str, why: str) -> BuildError:
        """What is wrong with a number, as an error to be raised."""
        return BuildError(f"{self._place}: {self._label(key)} {why}.")

    def _value(self, key: str, default: Any) -> Any:
        value = self._values.get(key)
        if value is None and default is None:
            raise BuildError(f"{self._place} lacks {self._label(key)}, which a network needs.")
        return default if value is None else value

    def _label(self, key: str) -> str:
        return self._labels.get(key, key)
