"""The studio, where jobs meet the model: claims jobs, has their songs written, stores them."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from lyricist.errors import BundleAway, LyricistError
from lyricist.songs import MOST_SONGS, Song
from lyricist.writing.writer import Writer
from versequeue.errors import (
    GenerationFailed,
    ModelUnavailable,
    ModelUnusable,
    VerseQueueError,
)
from versequeue.functions import wiring
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.job import Metrics, Stage
from versequeue.service.attempt import Attempt
from versequeue.service.worker import WorkerSide
from versequeue.stopping import stopping
from worker_fn.heartbeat import Heartbeat
from worker_fn.orders import output_document, song_request

log = logging.getLogger(__name__)

if JOBS_PER_MESSAGE > MOST_SONGS:  # each package has its own limit, and they meet only here
    raise ValueError("A message may name more jobs than the writer can take songs.")


class WorkerStopping(Exception):
    """The process must end, and the message is to be delivered again, to another one."""


class Studio:
    """One process's model and its side of the job system; one message at a time."""

    def __init__(self, side: WorkerSide, on_stall: Callable[[], None] = lambda: None) -> None:
        """`on_stall` is called when no token was drawn for too long: to end this process."""
        self._side = side
        self._on_stall = on_stall
        self._writer: Writer | None = None
        self._busy = threading.Lock()

    def warm_up(self) -> None:
        """Load the model, or only say that it is loaded. Raises LyricistError."""
        with self._busy:
            writer = self._writer or self._load()
            self._side.show_model(writer.model_name)

    def perform(self, job_ids: Sequence[str]) -> None:
        """Claim these jobs, write their songs together, store them.

        Raises WorkerStopping or VerseQueueError when the message is to come again.
        """
        with self._busy:
            stage = Stage.WRITING if self._writer else Stage.LOADING_MODEL
            if attempts := self._side.claim_all(job_ids, stage):
                with Heartbeat(attempts, self._side.settings, self._on_stall) as heart:
                    self._write(attempts, heart)

    def _write(self, attempts: list[Attempt], heart: Heartbeat) -> None:
        cold, started = self._writer is None, time.monotonic()
        writer = self._writer or self._load_for(attempts, heart)
        if writer is None:
            return
        begun = time.monotonic()
        load_s = round(begun - started, 3) if cold else 0.0
        faults: list[VerseQueueError] = []

        def should_stop() -> bool:
            heart.token()
            # Nobody takes what is written of attempts that are over: the worker is free for others.
            return stopping() or all(attempt.over for attempt in attempts)

        def on_song(index: int, song: Song | LyricistError) -> None:
            metrics = Metrics(
                queue_s=attempts[index].job.metrics.queue_s,
                cold_start=cold,
                model_load_s=load_s,
                generate_s=round(time.monotonic() - begun, 3),
                tokens=song.tokens if isinstance(song, Song) else None,
            )
            try:
                self._store(attempts[index], song, metrics, writer)
            except VerseQueueError as error:
                faults.append(error)

        requests = [song_request(attempt.job) for attempt in attempts]
        writer.write(
            requests, lambda index, lines: attempts[index].lines(lines), should_stop, on_song
        )
        if faults:
            raise faults[0]
        if stopping():
            raise WorkerStopping("The worker was asked to stop.")

    def _load_for(self, attempts: list[Attempt], heart: Heartbeat) -> Writer | None:
        """The model; None if there is none, once every attempt has ended for that.

        A bundle out of reach may be back soon, and the jobs wait for it; one that is damaged or
        wrong would be so in every attempt.
        """
        try:
            with heart.without_tokens():
                return self._load()
        except (LyricistError, ModelUnavailable, OSError) as error:
            log.exception("the model cannot be loaded")
            wrong = isinstance(error, LyricistError | ModelUnusable)
            for attempt in attempts:
                if wrong and not isinstance(error, BundleAway):
                    attempt.fail(ModelUnusable(str(error)), retry=False)
                else:
                    attempt.put_off(ModelUnavailable(str(error)))
            return None

    def _store(
        self, attempt: Attempt, song: Song | LyricistError, metrics: Metrics, writer: Writer
    ) -> None:
        if isinstance(song, LyricistError):
            attempt.fail(GenerationFailed(str(song)), retry=True)
        elif song.finished:
            output = output_document(
                attempt.job, song, model=writer.model_name, model_digest=writer.model_digest
            )
            attempt.succeed(output, metrics)
        elif attempt.cancel_requested:
            attempt.cancel()
        else:
            attempt.hand_back("The worker was asked to stop.")

    def _load(self) -> Writer:
        self._writer = Writer.open(wiring.model_folder(self._side.settings))
        log.info("model loaded", extra={"worker": self._side.worker})
        if not self._side.settings.bulk_only:
            self._side.show_model(self._writer.model_name)
        return self._writer
