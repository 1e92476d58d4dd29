"""Seconds for a song, by its lines and by the candidates for each line, beside free sampling."""

import time
from collections.abc import Mapping
from functools import partial

from bench.harness import Measurement, Report, Run, alternate
from bench.models import bundle_folder, bundle_for_drafts
from bench.stored_jobs import PROMPT
from lyricist.errors import LyricistError
from lyricist.songs import Effort, SongRequest
from lyricist.writing.free_verse import write_freely
from lyricist.writing.writer import Writer

FREE = "free sampling"
METHOD = (
    "A warm writer with two threads, one song at a time; every round has another seed, the same "
    "for all. Free sampling takes any word: it neither rhymes nor weighs candidates."
)


def run(quick: bool) -> Report:
    """Songs of 8 and 16 lines."""
    rounds = 2 if quick else 5
    bundle = bundle_folder()
    writers = {FREE: Writer.open(bundle, write_song=write_freely)}
    for drafts in (1, 2, 4):
        writers[name(drafts)] = Writer.open(bundle_for_drafts(drafts))
    seeds = dict.fromkeys(writers, 0)

    def one_round(contender: str) -> Mapping[str, float]:
        seeds[contender] += 1
        return _songs(writers[contender], seeds[contender])

    runs: dict[str, Run] = {contender: partial(one_round, contender) for contender in writers}
    found = alternate(runs, rounds)
    return Report(
        "verse",
        "Verse",
        METHOD,
        [
            Measurement("8 lines", "s", found["eight"], FREE, digits=2),
            Measurement("16 lines", "s", found["sixteen"], FREE, digits=2),
            Measurement("16 lines, a line", "ms", found["line"], FREE, digits=0),
        ],
    )


def name(drafts: int) -> str:
    """The contender with so many candidates for each line."""
    return "rhymed, one candidate" if drafts == 1 else f"rhymed, {drafts} candidates"


def _songs(writer: Writer, seed: int) -> dict[str, float]:
    eight, sixteen = _seconds(writer, 8, seed), _seconds(writer, 16, seed)
    return {"eight": eight, "sixteen": sixteen, "line": sixteen / 16 * 1000}


def _seconds(writer: Writer, lines: int, seed: int) -> float:
    request = SongRequest(prompt=PROMPT, lines=lines, seed=seed, effort=Effort.QUICK)
    started = time.perf_counter()
    [song] = writer.write([request], lambda _index, _lines: True)
    took_s = time.perf_counter() - started
    if isinstance(song, LyricistError):
        raise song
    return took_s
