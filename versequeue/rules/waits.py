"""How long songs take at a worker's pace: alone, in one pass, one pass after another.

Pure arithmetic: what was measured, and where it is kept, is the business of whoever calls.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, get_args

from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.options import LINES, Effort, ResolvedOptions

T = TypeVar("T")

#: What a line of each kind costs, as long as it was not measured; a quick one's is 1.
USUAL_LINES: Mapping[str, float] = {
    "quick": 1.0,
    "normal": 2.5,
    "best": 4.0,
    "quick unrhymed": 0.75,
    "normal unrhymed": 1.7,
    "best unrhymed": 2.4,
}
USUAL_EFFORTS: tuple[Effort, ...] = get_args(Effort)
#: What each further song of a pass adds to the time of the one beside it, as a share of its own.
BESIDE_QUICK = 0.36
#: A song of more effort fills a pass of its own, after the quick ones; two of them find room.
BESIDE_OTHERS = 0.75
#: The share of a song's lines that are written, the others being its chorus again.
USUAL_WRITTEN = 0.8


@dataclass(frozen=True)
class Pace:
    """What a worker was measured to take, in seconds."""

    #: a line of a song that is written alone, by its kind
    line_s: Mapping[str, float]
    #: the part of each song that does not depend on its lines
    song_s: float = 0.0
    #: a worker that has to be started and to load its model, until it writes
    start_s: float = 0.0
    #: the share of the lines of a song with a chorus that are written
    written: float = USUAL_WRITTEN
    beside: float = BESIDE_QUICK
    #: by how much passes of several songs took longer than is reckoned here
    shared: float = 1.0


@dataclass(frozen=True)
class Work:
    """As much of a song's options as its time depends on."""

    lines: int
    effort: Effort = "quick"
    has_chorus: bool = False
    is_rhymed: bool = True

    @property
    def kind(self) -> str:
        """What its lines cost alike: a line that need not rhyme takes fewer drafts."""
        return self.effort if self.is_rhymed else f"{self.effort} unrhymed"


@dataclass(frozen=True)
class Queue:
    """What a worker has to do before a song that is not written yet."""

    #: seconds until it takes the next pass
    busy_s: float = 0.0
    #: the songs before it as far as they are known, and how many there are
    ahead: Sequence[Work] = field(default=())
    count: int = 0


def work_of(options: ResolvedOptions) -> Work:
    """The work that a song with these options is."""
    has_chorus, is_rhymed = options.structure == "song", options.rhyme_scheme != "none"
    return Work(options.lines, options.effort, has_chorus, is_rhymed)


def line_s(kind: str, pace: Pace) -> float:
    """Seconds for a line written alone: measured, or reckoned from the nearest measured kind."""
    if kind in pace.line_s:
        return pace.line_s[kind]
    known = min(pace.line_s, key=lambda other: abs(USUAL_LINES[other] - USUAL_LINES[kind]))
    return pace.line_s[known] * USUAL_LINES[kind] / USUAL_LINES[known]


def song_s(work: Work, pace: Pace) -> float:
    """Seconds in which a warm worker writes this song alone."""
    written = work.lines * (pace.written if work.has_chorus else 1.0)
    return pace.song_s + written * line_s(work.kind, pace)


def pass_ends_s(songs: Sequence[Work], pace: Pace) -> list[float]:
    """When each song of one pass ends, in seconds from its beginning.

    Quick ones go side by side, the others one after another behind them.
    """
    alone = [song_s(song, pace) for song in songs]
    if len(songs) == 1:
        return alone
    quick = [at for at, song in enumerate(songs) if song.effort == "quick"]
    ends = [0.0] * len(songs)
    at_s = before_s = 0.0
    beside = len(quick)
    for at in sorted(quick, key=lambda index: alone[index]):
        beside -= 1
        at_s += (alone[at] - before_s) * (1 + pace.beside * beside)
        before_s, ends[at] = alone[at], at_s
    share = 1.0
    for at in (index for index, song in enumerate(songs) if song.effort != "quick"):
        at_s += alone[at] * share
        ends[at], share = at_s, BESIDE_OTHERS
    return [end * pace.shared for end in ends]


def fit_together(songs: Sequence[Work]) -> bool:
    """Whether these are one pass: as many as a message may name, no longer than the longest song.

    An attempt has a time limit, which a worker that can write that song alone must not exceed.
    """
    if len(songs) > JOBS_PER_MESSAGE:
        return False
    usual = Pace(USUAL_LINES)
    longest = Work(int(LINES.most), max(USUAL_EFFORTS, key=lambda effort: USUAL_LINES[effort]))
    return len(songs) < 2 or max(pass_ends_s(songs, usual)) <= song_s(longest, usual)


def in_passes(songs: Iterable[T], work: Callable[[T], Work]) -> list[list[T]]:
    """These in their order, as many in each pass as fit."""
    passes: list[list[T]] = []
    for song in songs:
        if passes and fit_together([work(each) for each in (*passes[-1], song)]):
            passes[-1].append(song)
        else:
            passes.append([song])
    return passes


def end_s(work: Work, queue: Queue, pace: Pace) -> float:
    """Seconds until a waiting song ends: the passes before its own, and its part of that one."""
    known = list(queue.ahead[: queue.count])
    full, rest = divmod(queue.count, JOBS_PER_MESSAGE)
    company = known[-rest:] if rest else []
    *before, own = in_passes([*company, work], _itself)
    before_s = full * batch_s(known[:JOBS_PER_MESSAGE], pace)
    before_s += sum(max(pass_ends_s(each, pace)) for each in before)
    return queue.busy_s + before_s + pass_ends_s(own, pace)[-1]


def batch_s(songs: Sequence[Work], pace: Pace) -> float:
    """Seconds for a whole file of songs, a pass after the other."""
    return sum(max(pass_ends_s(each, pace)) for each in in_passes(songs, _itself))


def _itself(work: Work) -> Work:
    return work
