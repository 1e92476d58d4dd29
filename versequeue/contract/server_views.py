"""The answers about the server itself: its status, its models, its words; see `contract.views`."""

from dataclasses import dataclass, field
from typing import Annotated, get_args

from versequeue.contract.views import Count
from versequeue.rules.outlook import WorkerState


@dataclass(frozen=True)
class ExpectedWait:
    """Seconds that a quick verse of 16 lines takes, as measured lately, the queue left out."""

    cold: float | None = None
    warm: float | None = None
    #: the same verse with a warm worker at each effort; empty as long as nothing was measured
    efforts: dict[str, float] = field(default_factory=dict)
    #: and before that, until what is written now and who waits have their songs
    queue: float | None = None


@dataclass(frozen=True)
class StatusView:
    """Whether a worker is awake, and what a new job has to wait for."""

    worker: Annotated[str, {"enum": list(get_args(WorkerState))}]
    queue_depth: Count = 0
    expected_wait_seconds: ExpectedWait = ExpectedWait()
    model: str | None = None
    #: what the option `model` may be, where there is something to choose from
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class RhymingView:
    """A word that rhymes, and how many syllables it has."""

    word: str
    syllables: Count = 0


@dataclass(frozen=True)
class RhymesView:
    """What rhymes with a word, the commonest words first."""

    object: Annotated[str, {"const": "rhymes"}] = field(default="rhymes", kw_only=True)
    word: str
    syllables: Count = 0
    #: the same from the last stressed vowel on
    perfect: tuple[RhymingView, ...] = ()
    #: the same vowels, and consonants of a kind after them
    slant: tuple[RhymingView, ...] = ()


@dataclass(frozen=True)
class MeterWord:
    """A word as it stands in its line, with a sign for each of its syllables."""

    word: str
    #: `/` stressed, `x` not, `?` either
    stresses: Annotated[str, {"type": "string", "pattern": "^[/x?]*$"}] = ""


@dataclass(frozen=True)
class MeterLine:
    """How one line is spoken."""

    syllables: Count = 0
    words: tuple[MeterWord, ...] = ()


@dataclass(frozen=True)
class MeterView:
    """How the lines of a text are spoken."""

    object: Annotated[str, {"const": "meter"}] = field(default="meter", kw_only=True)
    lines: tuple[MeterLine, ...] = ()


@dataclass(frozen=True)
class ModelView:
    """A model of the server: what is known of it, and how quick it is."""

    object: Annotated[str, {"const": "model"}] = field(default="model", kw_only=True)
    #: what the option `model` calls it
    name: str
    #: whether it is the one where none is asked for, and whether it is in a worker's memory
    default: bool = False
    loaded: bool = False
    #: what its bundle calls itself, as receipts do, and the licence; None until that was read
    model: str | None = None
    licence: str | None = None
    #: seconds until it is in memory, where another one was
    load_seconds: float | None = None
    expected_wait_seconds: ExpectedWait = ExpectedWait()


@dataclass(frozen=True)
class ModelsView:
    """The models of the server, the default one first."""

    object: Annotated[str, {"const": "list"}] = field(default="list", kw_only=True)
    data: tuple[ModelView, ...] = ()
