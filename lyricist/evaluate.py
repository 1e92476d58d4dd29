"""Measures the lyrics of a model on a set of prompts, beside free sampling and shuffled lines."""

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.bundle.manifest import read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.engine.threads import usable_threads
from lyricist.language.metrics import Verse, measure
from lyricist.lines.effort import MOST_ROWS
from lyricist.songs import MOST_SONGS, Effort, Song, SongRequest
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.writing.free_verse import write_freely
from lyricist.writing.share import WriteSong
from lyricist.writing.styles import style_of
from lyricist.writing.writer import Writer, best_way

OURS, FREE, SHUFFLED = "ours", "free sampling", "ours, shuffled"
#: How many samples of the prompts are drawn for an interval.
_RESAMPLES = 1000
_READABILITY = "predicted readability, 0 to 9"
_SECONDS, _PASSES = "seconds a line", "passes a line"


@dataclass(frozen=True)
class EvaluationSettings:
    """Which songs are written, and how."""

    prompts: tuple[str, ...]
    lines: tuple[int, ...] = (8, 16)
    schemes: tuple[str, ...] = ("AABB",)
    with_free: bool = True
    #: Songs written together; only 1 gives the time of one song.
    together: int = 1
    effort: Effort = Effort.QUICK
    threads: int | None = None


@dataclass(frozen=True)
class Column:
    """One way of writing, all prompts: a column of the table."""

    writer: str
    lines: int
    scheme: str
    #: Figure -> mean over the prompts, and the bounds of its 95 % bootstrap interval.
    figures: Mapping[str, tuple[float, float, float]]
    verses: tuple[Verse, ...]


class CountingEngine(LiteRtEngine):
    """An engine that counts its passes."""

    passes = 0

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        self.passes += 1
        return super().prefill(row, tokens)

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        self.passes += 1
        return super().step(tokens)


def evaluate(
    folder: Path, settings: EvaluationSettings, show: Callable[[str], None]
) -> list[Column]:
    """Write all that `settings` ask for with the bundle in `folder`, and measure it."""
    columns = []
    for scheme in settings.schemes:
        for lines in settings.lines:
            show(f"{scheme}, {lines} lines")
            ours = _column(OURS, *_run(folder, settings, scheme, lines, None))
            columns.append(ours)
            if settings.with_free:
                free = _run(folder, settings, scheme, lines, write_freely)
                columns += [_column(FREE, *free), _shuffled(ours)]
    return columns


def table(columns: Sequence[Column]) -> str:
    """The figures as Markdown, one row a figure."""
    heads = [f"{column.writer}, {column.scheme}, {column.lines}" for column in columns]
    rows = ["| | " + " | ".join(heads) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in columns[0].figures:
        cells = [_cell(column.figures.get(name)) for column in columns]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def as_json(columns: Sequence[Column], settings: EvaluationSettings) -> str:
    """Everything that was measured, and the lyrics themselves."""
    found = {"settings": asdict(settings), "columns": [asdict(column) for column in columns]}
    return json.dumps(found, ensure_ascii=False)


def _run(
    folder: Path,
    settings: EvaluationSettings,
    scheme: str,
    lines: int,
    write_song: WriteSong | None,
) -> tuple[list[Verse], dict[str, list[float]]]:
    bundle = read_bundle(folder)
    threads = settings.threads or usable_threads()
    engine = CountingEngine(bundle, MOST_SONGS * bundle.drafts, threads, MOST_ROWS)
    vocabulary = Vocabulary(bundle)
    write_song = write_song or best_way(bundle, vocabulary)
    writer = Writer(engine, vocabulary, bundle.name, bundle.digest, write_song)
    asked = SongRequest("", lines=lines, rhyme_scheme=scheme, effort=settings.effort)
    requests = [replace(asked, prompt=p, seed=seed) for seed, p in enumerate(settings.prompts)]
    write = partial(writer.write, on_lines=lambda _index, _lines: True)
    write([replace(requests[0], lines=4)])  # the first pass is a slow one
    verses: list[Verse] = []
    costs: dict[str, list[float]] = {_READABILITY: [], _SECONDS: [], _PASSES: []}
    for start in range(0, len(requests), settings.together):
        group = requests[start : start + settings.together]
        passes, began = engine.passes, time.perf_counter()
        songs = write(group)
        seconds = (time.perf_counter() - began) / (lines * len(group))
        costs[_SECONDS] += [seconds] * len(group)
        costs[_PASSES] += [(engine.passes - passes) / (lines * len(group))] * len(group)
        for request, song in zip(group, songs, strict=True):
            if not isinstance(song, Song):
                raise song
            verses.append(_verse(request, song))
            costs[_READABILITY].append(np.nan if song.readability is None else song.readability)
    return verses, costs


def _verse(request: SongRequest, song: Song) -> Verse:
    fewest, _usual, most = style_of(request).syllables
    lines = tuple(line for section in song.sections for line in section.lines)
    return Verse(request.prompt, request.lines, request.rhyme_scheme, lines, fewest, most)


def _shuffled(column: Column) -> Column:
    order = random.Random(0)
    verses = [
        replace(verse, lines=tuple(order.sample(verse.lines, len(verse.lines))))
        for verse in column.verses
    ]
    return _column(SHUFFLED, verses, {})


def _column(writer: str, verses: Sequence[Verse], costs: Mapping[str, Sequence[float]]) -> Column:
    measured = [measure(verse) for verse in verses]
    values = {name: [figures[name] for figures in measured] for name in measured[0]}
    found = {name: _interval(shares) for name, shares in {**values, **costs}.items()}
    return Column(writer, verses[0].asked_lines, verses[0].scheme, found, tuple(verses))


def _interval(values: Iterable[float]) -> tuple[float, float, float]:
    """Mean and 95 % bootstrap interval (Efron 1979) of the values that are numbers."""
    numbers = np.array([value for value in values if not np.isnan(value)])
    if not len(numbers):
        return (float("nan"),) * 3
    draws = np.random.default_rng(0).choice(numbers, (_RESAMPLES, len(numbers))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(numbers.mean()), float(low), float(high)


def _cell(figure: tuple[float, float, float] | None) -> str:
    if figure is None or np.isnan(figure[0]):
        return ""
    mean, low, high = figure
    return f"{mean:.3f}" if low == high else f"{mean:.3f} ({low:.3f}–{high:.3f})"
