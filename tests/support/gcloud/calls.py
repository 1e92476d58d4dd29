"""A command, taken apart as gcloud's parser does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One command, taken apart."""

    #: the kind of thing that the command is about, such as "pubsub topics"
    kind: str
    #: its words that are no flags, after the command's own
    words: tuple[str, ...]
    flags: dict[str, list[str]]
    stdin: str

    def flag(self, name: str) -> str:
        """A flag's last value, or nothing."""
        return (self.flags.get(name) or [""])[-1]

    @property
    def kept(self) -> dict[str, list[str]]:
        """What a thing remembers of the command that made or changed it last."""
        return {name: values for name, values in self.flags.items() if name != "--project"}


def call_of(kind: str, rest: tuple[str, ...], stdin: str) -> Call:
    """The call of the words that follow a command's own."""
    flags: dict[str, list[str]] = {}
    words = []
    for word in rest:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            flags.setdefault(name, []).append(value)
        else:
            words.append(word)
    return Call(kind, tuple(words), flags, stdin)
