"""How long songs take at a worker's pace: alone, in one pass, one pass after another.

A worker has one model in memory: the songs of a pass are of one model, and to change it takes time.

Pure arithmetic: what was measured, and where it is kept, is the business of whoever calls.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple, TypeVar

from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.options import LINES, Effort, ResolvedOptions
from versequeue.rules.written import SungPart, answering, written_parts

T = TypeVar("T")

#: What a line costs that need not rhyme, as long as it was not measured; a quick one's is 1.
USUAL_LINES: Mapping[Effort, float] = {"quick": 1.0, "normal": 2.45, "best": 3.6}
#: What a line costs that must answer an earlier one, in lines that need not: more drafts are begun.
ANSWER: Mapping[Effort, float] = {"quick": 1.5, "normal": 1.75, "best": 2.1}
#: Several songs are written on lanes of one thread, which is slower than one song on all threads.
LANE_SLOWER: Mapping[Effort, float] = {"quick": 1.35, "normal": 1.5, "best": 1.5}
NO_SLOWER: Mapping[Effort, float] = dict.fromkeys(LANE_SLOWER, 1.0)
#: What each further quick song of a lane adds to the time of a line, as a share of it.
BESIDE = 0.53
#: A song's own pace counts as much as what was expected of it when so many of its lines are shown.
PRIOR_LINES = 4
#: So many lines of a song may be written before the first of them is shown.
SHOWN_LATE = 4


@dataclass(frozen=True)
class Pace:
    """What a worker was measured to take, in seconds."""

    #: a line that need not rhyme, of a song that is written alone, by its effort
    line_s: Mapping[Effort, float]
    #: the part of each song that does not depend on its lines
    song_s: float = 0.0
    #: a worker that has to be started and to load its model, until it writes
    start_s: float = 0.0
    #: the part of that from the claim on: the model is loaded
    load_s: float = 0.0
    #: so many songs of a pass are written at the same time, each on a processor of its own
    lanes: int = 1
    beside: float = BESIDE
    #: by how much passes took longer than is reckoned here in which lanes have several songs each
    shared: float = 1.0
    #: the same of passes in which each of several songs has a lane of its own
    apart: float = 1.0

    def correction(self, songs: int) -> float:
        """By how much a pass of so many songs takes longer than is reckoned here."""
        return 1.0 if songs < 2 else self.apart if songs <= self.lanes else self.shared


@dataclass(frozen=True)
class Paces:
    """What a worker takes with each of its models, and which of them it has in memory."""

    by_model: Mapping[str, Pace]
    #: None: the worker has to be started, which loads the one that is needed first
    loaded: str | None = None

    def of(self, model: str) -> Pace:
        """That of a model; one that was not measured is taken to be like another that was."""
        return self.by_model.get(model) or next(iter(self.by_model.values()))


@dataclass(frozen=True)
class Work:
    """As much of a song as its time depends on."""

    lines: int
    effort: Effort = "quick"
    structure: str = "verse"
    scheme: str = "none"
    model: str = ""
    #: whether it takes a pass of its own, as a song does that was tried before
    alone: bool = False
    #: the share of its lines that is not given
    left: float = 1.0

    @property
    def written(self) -> int:
        """Lines until all is written; what else the song has is its chorus again, at the end."""
        return sum(part.lines for part in self._parts)

    @property
    def size(self) -> float:
        """What is to be written of it, in lines that need not rhyme."""
        answers = sum(answering(part.scheme, part.lines) for part in self._parts)
        return self.left * (self.written + answers * (ANSWER[self.effort] - 1))

    @property
    def _parts(self) -> Sequence[SungPart]:
        return written_parts(self.structure, self.lines, self.scheme)


class Span(NamedTuple):
    """When a song of a pass begins and ends, in seconds from the beginning of the pass."""

    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Queue:
    """What a worker has to do before a song that is not written yet."""

    #: seconds until it takes the next pass
    busy_s: float = 0.0
    #: the songs before it as far as they are known, and how many there are
    ahead: Sequence[Work] = field(default=())
    count: int = 0


def work_of(options: ResolvedOptions, given: Sequence[str | None] = ()) -> Work:
    """The work that a song with these options is, where those lines of it are given."""
    return Work(
        options.lines,
        options.effort,
        options.structure,
        options.rhyme_scheme,
        options.model,
        left=1 - sum(line is not None for line in given) / options.lines,
    )


def line_s(effort: Effort, pace: Pace) -> float:
    """Seconds for a line that need not rhyme: measured, or reckoned from the nearest effort."""
    if effort in pace.line_s:
        return pace.line_s[effort]
    known = min(pace.line_s, key=lambda other: abs(USUAL_LINES[other] - USUAL_LINES[effort]))
    return pace.line_s[known] * USUAL_LINES[effort] / USUAL_LINES[known]


def song_s(work: Work, pace: Pace) -> float:
    """Seconds in which a warm worker writes this song alone."""
    return pace.song_s + work.size * line_s(work.effort, pace)


def pass_spans_s(songs: Sequence[Work], pace: Pace) -> list[Span]:
    """When each song of one pass begins and ends, in seconds from the beginning of the pass.

    The songs are dealt out to the lanes. In each, quick ones go side by side, the others one after
    another behind them.
    """
    alone = [song_s(song, pace) for song in songs]
    if len(songs) == 1:
        return [Span(0.0, alone[0])]
    lanes = min(pace.lanes, len(songs))
    slower = LANE_SLOWER if lanes > 1 else NO_SLOWER
    takes = [
        alone[at] * slower[song.effort] * pace.correction(len(songs))
        for at, song in enumerate(songs)
    ]
    spans = [Span(0.0, 0.0)] * len(songs)
    for lane in range(lanes):
        own = range(lane, len(songs), lanes)
        quick = sorted((at for at in own if songs[at].effort == "quick"), key=takes.__getitem__)
        end = before = 0.0
        for place, at in enumerate(quick):
            end += (takes[at] - before) * (1 + pace.beside * (len(quick) - place - 1))
            before, spans[at] = takes[at], Span(0.0, end)
        for at in own:
            if songs[at].effort != "quick":
                spans[at] = Span(end, end + takes[at])
                end += takes[at]
    return spans


def pass_s(songs: Sequence[Work], pace: Pace) -> float:
    """Seconds until the last song of one pass ends."""
    return max(span.end_s for span in pass_spans_s(songs, pace))


#: What takes the longest of all that may be asked for.
LONGEST = Work(int(LINES.most), "best", "verse", "AABB")


def fit_together(songs: Sequence[Work]) -> bool:
    """Whether these are one pass: of one model, as many as a message may name, none too long.

    An attempt has a time limit, which a worker that can write the longest song alone must not
    exceed.
    """
    if len(songs) > JOBS_PER_MESSAGE or len({song.model for song in songs}) > 1:
        return False
    if len(songs) > 1 and any(song.alone for song in songs):
        return False
    usual = Pace(USUAL_LINES)
    return len(songs) < 2 or pass_s(songs, usual) <= song_s(LONGEST, usual)


def by_model(songs: Iterable[T], work: Callable[[T], Work]) -> list[T]:
    """These with those of one model behind each other, the models in the order of their firsts."""
    groups: dict[str, list[T]] = {}
    for song in songs:
        groups.setdefault(work(song).model, []).append(song)
    return list(chain.from_iterable(groups.values()))


def in_passes(songs: Iterable[T], work: Callable[[T], Work]) -> list[list[T]]:
    """These as passes, as many in each as fit.

    The first that is left says which model is next. It is joined by those of the same model behind
    it, up to the first that does not fit: nobody is overtaken by more than one pass.
    """
    passes: list[list[T]] = []
    left = list(songs)
    while left:
        own, others = left[:1], []
        for at, song in enumerate(left[1:], start=1):
            if work(song).model != work(own[0]).model:
                others.append(song)
            elif fit_together([work(each) for each in (*own, song)]):
                own.append(song)
            else:
                others += left[at:]
                break
        passes.append(own)
        left = others
    return passes


def left_s(
    work: Work, shown: int, elapsed_s: float, span: Span, pace: Pace, silent_s: float = 0.0
) -> float:
    """Seconds until a song ends of which so many lines are shown, `elapsed_s` after its pass began.

    `span` is what was expected of it, and the last of its lines came `silent_s` ago. Its own lines
    tell more of its pace, the more there are; between two of them the time is what goes by.
    """
    whole_s, spent_s = span.end_s - span.begin_s, elapsed_s - span.begin_s
    lines_s = whole_s * (1 - pace.song_s / max(song_s(work, pace), pace.song_s, 0.001))
    each_s = lines_s / work.written
    if not shown:
        # The first lines may be shown together, and not before the last of them is written.
        return max(whole_s - spent_s, each_s * (work.written - SHOWN_LATE), 0.0)
    to_come = work.written - min(shown, work.written)
    usual_s = whole_s - to_come * each_s
    prior_s = PRIOR_LINES * each_s
    own_s = each_s * (spent_s - silent_s + prior_s) / (usual_s + prior_s)
    # However late the next line is, those behind it have still to be written.
    return max(own_s * to_come - silent_s, own_s * (to_come - 1), 0.0)


def queue_s(queue: Queue, paces: Paces) -> float:
    """Seconds until all of these are written: what is being written now, then full passes."""
    known = list(queue.ahead[: queue.count])
    full, rest = divmod(queue.count, JOBS_PER_MESSAGE)
    before_s = full * batch_s(known[:JOBS_PER_MESSAGE], paces)
    return queue.busy_s + before_s + batch_s(known[:rest], paces)


def end_s(work: Work, queue: Queue, paces: Paces) -> float:
    """Seconds until a waiting song ends: the passes before its own, and its part of that one."""
    rest = queue.count % JOBS_PER_MESSAGE
    company = queue.ahead[: queue.count][-rest:] if rest else ()
    songs = [*company, work]
    passes = in_passes(range(len(songs)), songs.__getitem__)
    [place] = (place for place, each in enumerate(passes) if each[-1] == len(company))
    begin_s = queue_s(replace(queue, count=queue.count - rest), paces)
    before = [[songs[at] for at in each] for each in passes[: place + 1]]
    own = pass_spans_s(before[-1], paces.of(work.model))
    return begin_s + passes_s(before, paces) - max(span.end_s for span in own) + own[-1].end_s


def batch_s(songs: Sequence[Work], paces: Paces) -> float:
    """Seconds for a whole file of songs, a pass after the other, each model's together."""
    return passes_s(in_passes(by_model(songs, _itself), _itself), paces)


def passes_s(passes: Iterable[Sequence[Work]], paces: Paces) -> float:
    """Seconds for these one after the other, and for the changes of model between them."""
    total_s, loaded = 0.0, paces.loaded
    for songs in passes:
        model = songs[0].model
        pace = paces.of(model)
        if loaded is not None and model != loaded:
            total_s += pace.load_s
        loaded = model
        total_s += pass_s(songs, pace)
    return total_s


def _itself(work: Work) -> Work:
    return work
