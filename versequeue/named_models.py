"""The models that one server has, each under a name that jobs can ask for it by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: What is no part of a name, where it is made of a path.
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_RULE = "a name has 1 to 64 letters, digits, dots, hyphens or underscores"


@dataclass(frozen=True)
class NamedModel:
    """A model of the server."""

    #: what a job asks for it by
    name: str
    #: a preset, a bundle's folder, what a bundle is to be built of, or gs://bucket/prefix
    place: str

    def __str__(self) -> str:
        """The entry that `read_models` reads."""
        return f"{self.name}={self.place}"


def read_models(text: str) -> tuple[NamedModel, ...]:
    """The models of a list `name=place,place`; the first is the default one.

    One without a name has that of its folder or file. Raises ValueError, which says what is wrong.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    models = tuple(map(_read_entry, entries))
    if not models:
        raise ValueError("it names no model")
    names = [model.name for model in models]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two models are called {twice[0]}; name them: other=PATH")
    return models


def as_text(models: Sequence[NamedModel]) -> str:
    """What `read_models` reads these from."""
    return ",".join(map(str, models))


def _read_entry(entry: str) -> NamedModel:
    name, is_named, place = (part.strip() for part in entry.partition("="))
    if not is_named or "/" in name:  # a path may have the sign in it
        return NamedModel(_name_of(entry), entry)
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:64]!r} cannot be a model's name: {_RULE}")
    if not place:
        raise ValueError(f"there is no path behind {name}=")
    return NamedModel(name, place)


def _name_of(place: str) -> str:
    last = Path(place).name.removesuffix(".gguf")
    return _NO_NAME.sub("-", last).lstrip("._-")[:64] or "model"
