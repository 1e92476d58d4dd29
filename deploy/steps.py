"""What a deployment is made of: a step says how to see, make, update and remove one thing.

Values only; `deploy.apply` carries them out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

#: Stands in `update` and `remove` for what `exists` printed, such as a generated name.
FOUND = "FOUND"

#: Arguments after `gcloud`.
Command = tuple[str, ...]


class Secret(StrEnum):
    """Random text that a step is given on standard input, so that no argument ever shows it."""

    WEBHOOK = "whsec"
    KEY = "key"


@dataclass(frozen=True)
class Step:
    """One thing in the cloud. Carrying a step out twice is the same as once."""

    title: str
    #: nothing, for what comes into being by itself and only has to be removed
    create: Command | None = None
    #: succeeds and prints something if the thing is there; without it `create` may be repeated
    exists: Command | None = None
    #: brings a thing that is there to the state wanted; without it that thing is left alone
    update: Command | None = None
    remove: Command | None = None
    stdin: Secret | None = None

    def commands(self) -> Iterator[Command]:
        """Every command that this step might run."""
        for command in (self.exists, self.create, self.update, self.remove):
            if command is not None:
                yield command
