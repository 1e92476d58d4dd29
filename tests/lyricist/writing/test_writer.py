"""Opening a model, and songs that are written freely: always the lines that were asked for."""

import codecs
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lyricist.bundle.manifest import DRAFTS, MODEL, read_bundle
from lyricist.engine.lanes import Lanes
from lyricist.engine.litert import LiteRtEngine
from lyricist.engine.port import Engine
from lyricist.engine.sessions import Session
from lyricist.engine.threads import idle_processors
from lyricist.errors import BundleError
from lyricist.language.safety import offences
from lyricist.songs import MOST_SONGS, Effort, Song, SongRequest
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.writing.free_verse import MOST_WORDS, clean_line, write_freely
from lyricist.writing.share import EngineShare
from lyricist.writing.writer import Writer
from tests.support.obsessed import Obsessed

#: Against hangs only.
LIMIT_S = 30.0
REQUEST = SongRequest(prompt="the last train home", lines=6, seed=11)


class ShortEngine(LiteRtEngine):
    """The tiny engine with little room in each row."""

    def __init__(self, folder: Path, context_length: int) -> None:
        super().__init__(read_bundle(folder), max_rows=8 * DRAFTS, threads=1)
        self.context_length = context_length


@pytest.fixture(scope="module")
def vocabulary(tiny_bundle: Path) -> Vocabulary:
    return Vocabulary(read_bundle(tiny_bundle))


@pytest.fixture(scope="module")
def writer(tiny_bundle: Path, vocabulary: Vocabulary) -> Writer:
    engine = LiteRtEngine(read_bundle(tiny_bundle), max_rows=8 * DRAFTS, threads=1)
    return Writer(engine, vocabulary, "tiny", "digest", write_freely)


def write(writer: Writer, *requests: SongRequest) -> list[Song]:
    songs = writer.write(requests, lambda _index, _lines: True)
    assert all(isinstance(song, Song) for song in songs), songs
    return [song for song in songs if isinstance(song, Song)]


def lines_of(song: Song) -> tuple[str, ...]:
    return tuple(line for section in song.sections for line in section.lines)


@pytest.mark.parametrize("lines", [1, 4, 17, 64])
@pytest.mark.parametrize("temperature", [0.0, 0.8, 1.5])
def test_a_free_verse_has_the_asked_lines(writer: Writer, lines: int, temperature: float) -> None:
    song = write(writer, replace(REQUEST, lines=lines, temperature=temperature))[0]
    assert len(lines_of(song)) == lines
    assert all(line.strip() == line and line for line in lines_of(song))
    assert all(len(line.split()) <= MOST_WORDS for line in lines_of(song))
    assert song.finished
    assert song.tokens >= lines


def test_the_same_seed_writes_the_same_lyrics(writer: Writer) -> None:
    first, again, other = (write(writer, replace(REQUEST, seed=seed))[0] for seed in (11, 11, 12))
    assert first == again
    assert lines_of(first) != lines_of(other)


def test_songs_written_together_are_the_same_as_alone(writer: Writer) -> None:
    requests = [
        replace(REQUEST, prompt=f"{'a word ' * index}number {index}", lines=3 + index, seed=index)
        for index in range(8)
    ]
    assert write(writer, *requests) == [write(writer, request)[0] for request in requests]


def test_songs_written_side_by_side_are_the_same_as_alone(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    def engine() -> Engine:
        return LiteRtEngine(read_bundle(tiny_bundle), max_rows=8 * DRAFTS, threads=1)

    made: list[Engine] = []

    def make() -> Engine:
        made.append(engine())
        return made[-1]

    wide = Writer(engine(), vocabulary, "tiny", "digest", lanes=Lanes(make, most=2))
    requests = [replace(REQUEST, prompt=f"number {n}", lines=4 + n, seed=n) for n in range(5)]
    ended: list[int] = []
    songs = wide.write(requests, lambda *_: True, on_song=lambda index, _song: ended.append(index))
    assert songs == [write(wide, request)[0] for request in requests]
    assert sorted(ended) == list(range(5)), "every song's end was told once"
    assert len(made) == 2, "one song alone needs no lanes"


def test_a_line_that_is_told_slowly_holds_up_no_other_song(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    def make() -> Engine:
        return LiteRtEngine(read_bundle(tiny_bundle), max_rows=8 * DRAFTS, threads=1)

    wide = Writer(make(), vocabulary, "tiny", "digest", lanes=Lanes(make, most=2))

    def other_goes_on() -> bool:
        being_told, other_went_on = threading.Event(), threading.Event()
        went_on = []

        def show(_index: int, _lines: Sequence[str]) -> bool:
            being_told.set()
            went_on.append(other_went_on.wait(1))
            return True

        def should_stop() -> bool:
            if being_told.is_set():
                other_went_on.set()
            return False

        songs = wide.write([REQUEST, REQUEST], show, should_stop)
        assert all(isinstance(song, Song) and song.finished for song in songs)
        return went_on[0]

    # Now and then both have something to tell at once, and one has to wait for its turn.
    assert any(other_goes_on() for _ in range(20))


def test_what_goes_wrong_in_one_lane_ends_the_other(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    def make() -> Engine:
        return LiteRtEngine(read_bundle(tiny_bundle), max_rows=8 * DRAFTS, threads=1)

    wide = Writer(make(), vocabulary, "tiny", "digest", lanes=Lanes(make, most=2))
    shown = [0, 0]

    def show(index: int, lines: Sequence[str]) -> bool:
        shown[index] = len(lines)
        return True

    def fail(_index: int, _song: object) -> None:
        raise OSError("the store is gone")

    requests = [replace(REQUEST, lines=lines) for lines in (1, 64)]
    with pytest.raises(OSError, match="the store is gone"):
        wide.write(requests, show, on_song=fail)
    assert shown[1] < 64, "the other song was not written to its end"


def test_a_song_longer_than_the_context_is_written_to_its_end(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    short = Writer(ShortEngine(tiny_bundle, 192), vocabulary, "tiny", "digest", write_freely)
    song = write(short, replace(REQUEST, lines=64))[0]
    assert song.tokens > 192
    assert len(lines_of(song)) == 64


@pytest.mark.parametrize("prompt", ["x", "🔥" * 500, "?" * 500, "夏の夜", "word " * 100])
def test_any_prompt_is_continued_and_keeps_the_count(writer: Writer, prompt: str) -> None:
    song = write(writer, replace(REQUEST, prompt=prompt, lines=4, continue_prompt=True))[0]
    assert len(lines_of(song)) == 4
    assert lines_of(song)[0].startswith(clean_line(prompt)[:40])


def test_each_line_is_shown_once_it_is_written(writer: Writer) -> None:
    shown: list[tuple[int, int]] = []

    def on_lines(index: int, lines: Sequence[str]) -> bool:
        shown.append((index, len(lines)))
        return True

    writer.write([REQUEST, replace(REQUEST, lines=2)], on_lines)
    assert [count for index, count in shown if index == 0] == [1, 2, 3, 4, 5, 6]
    assert [count for index, count in shown if index == 1] == [1, 2]


def test_a_song_that_nobody_waits_for_is_left_unfinished(writer: Writer) -> None:
    left, kept = writer.write([REQUEST, REQUEST], lambda index, lines: index == 1 or len(lines) < 2)
    assert isinstance(left, Song)
    assert isinstance(kept, Song)
    assert not left.finished
    assert lines_of(left) == lines_of(kept)[:2]
    assert kept.finished


def test_a_writer_that_is_stopped_leaves_every_song_as_it_is(writer: Writer) -> None:
    asked = iter(range(100_000))
    songs = writer.write([REQUEST, REQUEST], lambda *_: True, lambda: next(asked) > 20)
    assert all(isinstance(song, Song) and not song.finished for song in songs)


@pytest.mark.parametrize("effort", list(Effort))
def test_a_song_begins_in_empty_rows_whatever_was_given_up_before_it(
    tiny_bundle: Path, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Writer.open(tiny_bundle, threads=1)
    asked = iter(range(10_000))
    given_up = [SongRequest("the sea", lines=8, effort=effort)]
    opened.write(given_up, lambda *_: True, lambda: next(asked) > 60)
    held: list[int] = []

    def look(request: SongRequest, share: EngineShare) -> Session[Song]:
        held.extend(share.engine.length(row) for row in share.rows)
        return write_freely(request, share)

    monkeypatch.setattr(opened, "_write_song", look)
    opened.write([SongRequest("rain", lines=4, effort=effort)], lambda *_: True)
    assert held
    assert set(held) == {0}


def test_what_is_banned_is_starred_out_where_a_model_writes_freely(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    word = codecs.decode("shpx", "rot13")
    engine = LiteRtEngine(read_bundle(tiny_bundle), max_rows=8 * DRAFTS, threads=1)
    rude = Obsessed(engine, vocabulary.encode(f" {word}"))
    writer = Writer(rude, vocabulary, "rude", "digest", write_freely)
    request = replace(REQUEST, prompt=f"{word} it", continue_prompt=True)
    clean = write(writer, request)[0]
    assert offences("\n".join([clean.title, *lines_of(clean)]), explicit=False) == []
    asked = write(writer, replace(request, explicit=True))[0]
    assert lines_of(asked)[0].startswith(word)


@pytest.mark.parametrize("count", [0, MOST_SONGS + 1])
def test_it_writes_one_to_eight_songs_at_a_time(writer: Writer, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 8 songs"):
        writer.write([REQUEST] * count, lambda *_: True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- **Midnight train**", "Midnight train"),
        ('"I was born to run"', "I was born to run"),
        ("3. Third  of   many", "Third of many"),
        ("24 hours in a day", "24 hours in a day"),
        ("Don't you cry", "Don't you cry"),
        ("(Verse 1)", ""),
        ("Chorus:", ""),
        ("Sure, here's a song:", ""),
        ("Here is the night", "Here is the night"),
        ("Bridge over the river", "Bridge over the river"),
        ("***", ""),
        ("   ", ""),
    ],
)
def test_a_line_is_cleaned_of_what_is_not_sung(text: str, line: str) -> None:
    assert clean_line(text) == line


def test_a_damaged_model_is_refused_before_it_is_loaded(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    data = bytearray((folder / MODEL).read_bytes())
    data[100] ^= 1
    (folder / MODEL).write_bytes(data)
    with pytest.raises(BundleError, match=r"model\.tflite is damaged"):
        Writer.open(folder)


def test_an_open_model_has_a_name_and_a_digest(tiny_bundle: Path) -> None:
    writer = Writer.open(tiny_bundle)
    assert writer.model_name == "tiny"
    assert writer.model_digest == read_bundle(tiny_bundle).digest


@pytest.mark.parametrize(
    ("processors", "load", "threads"), [(2, 0.1, 2), (2, 1.2, 1), (2, 9.0, 1), (64, 0.0, 4)]
)
def test_as_many_threads_as_processors_are_idle(processors: int, load: float, threads: int) -> None:
    assert idle_processors(processors, load) == threads
