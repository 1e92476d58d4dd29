"""The lyricist as the model of the worker: jobs as its requests, its songs as their results."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lyricist.errors import BundleAway, LyricistError
from lyricist.songs import MOST_SONGS, Song
from lyricist.writing.writer import Writer
from versequeue.errors import GenerationFailed, ModelUnavailable, ModelUnusable
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.job import Job
from worker_fn.model import OnLines, OnResult, Result
from worker_fn.orders import song_output, song_request

if JOBS_PER_MESSAGE > MOST_SONGS:  # each package has its own limit, and they meet only here
    raise ValueError("A message may name more jobs than the writer can take songs.")


class LyricsModel:
    """Keeps the contract of `worker_fn.model.Model`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.name, self.digest = writer.model_name, writer.model_digest
        self.licence, self.lanes = writer.model_licence, writer.most_lanes

    def perform(
        self,
        jobs: Sequence[Job],
        on_lines: OnLines,
        should_stop: Callable[[], bool],
        on_result: OnResult,
    ) -> None:
        """Write the jobs' songs together."""

        def on_song(index: int, song: Song | LyricistError) -> None:
            if isinstance(song, LyricistError):
                on_result(index, GenerationFailed(str(song)))
            else:
                output = song_output(song)
                result = Result(output, song.tokens, song.finished, song.effort.value)
                on_result(index, result)

        self._writer.write([song_request(job) for job in jobs], on_lines, should_stop, on_song)


def open_lyrics(folder: Path, threads: int = 0) -> LyricsModel:
    """The bundle in `folder`, loaded; 0 threads: as many as the machine has to spare.

    Raises ModelUnusable if it is damaged or wrong, ModelUnavailable or OSError if out of reach.
    """
    try:
        return LyricsModel(Writer.open(folder, threads or None))
    except BundleAway as error:
        raise ModelUnavailable(str(error)) from error
    except LyricistError as error:
        raise ModelUnusable(str(error)) from error
