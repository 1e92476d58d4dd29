"""The studio, where jobs meet a model: claims jobs, has it do them, stores what it made of them."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from versequeue.errors import (
    GenerationFailed,
    ModelUnavailable,
    ModelUnusable,
    VerseQueueError,
)
from versequeue.functions import wiring
from versequeue.rules.job import Metrics, Stage
from versequeue.service.attempt import Attempt
from versequeue.service.worker import WorkerSide
from versequeue.stopping import stopping
from worker_fn.heartbeat import Heartbeat
from worker_fn.model import Model, OpenModel, Result
from worker_fn.receipts import receipt

log = logging.getLogger(__name__)


class WorkerStopping(Exception):
    """The process must end, and the message is to be delivered again, to another one."""


class Studio:
    """One process's model and its side of the job system; one message at a time."""

    def __init__(
        self, side: WorkerSide, open_model: OpenModel, on_stall: Callable[[], None] = lambda: None
    ) -> None:
        """`on_stall` is called when no token was drawn for too long: to end this process."""
        self._side = side
        self._open_model = open_model
        self._on_stall = on_stall
        self._model: Model | None = None
        self._busy = threading.Lock()

    def warm_up(self) -> None:
        """Load the model, or only say that it is loaded. Raises ModelUnavailable or OSError."""
        with self._busy:
            model = self._model or self._load()
            self._side.show_model(model.name, model.lanes)

    def perform(self, job_ids: Sequence[str]) -> None:
        """Claim these jobs, have them done together, store what came of them.

        Raises WorkerStopping or a VerseQueueError when the message is to come again.
        """
        with self._busy:
            stage = Stage.WRITING if self._model else Stage.LOADING_MODEL
            if attempts := self._side.claim_all(job_ids, stage):
                with Heartbeat(attempts, self._side.settings, self._on_stall) as heart:
                    try:
                        self._write(attempts, heart)
                    except (VerseQueueError, WorkerStopping):
                        raise
                    except Exception:
                        log.exception("the model met a fault that nobody expected; it is reopened")
                        self._model = None
                        for attempt in attempts:
                            attempt.fail(VerseQueueError(), retry=True)

    def _write(self, attempts: list[Attempt], heart: Heartbeat) -> None:
        cold, started = self._model is None, time.monotonic()
        model = self._model or self._load_for(attempts, heart)
        if model is None:
            return
        begun = time.monotonic()
        load_s = round(begun - started, 3) if cold else 0.0
        faults: list[VerseQueueError] = []

        def should_stop() -> bool:
            heart.token()
            # Nobody takes what is written of attempts that are over: the worker is free for others.
            return stopping() or all(attempt.over for attempt in attempts)

        def on_result(index: int, result: Result | GenerationFailed) -> None:
            metrics = Metrics(
                queue_s=attempts[index].job.metrics.queue_s,
                cold_start=cold,
                model_load_s=load_s,
                generate_s=round(time.monotonic() - begun, 3),
                tokens=result.tokens if isinstance(result, Result) else None,
            )
            try:
                self._store(attempts[index], result, metrics, model)
            except VerseQueueError as error:
                faults.append(error)

        jobs = [attempt.job for attempt in attempts]
        model.perform(
            jobs, lambda index, lines: attempts[index].lines(lines), should_stop, on_result
        )
        if faults:
            raise faults[0]
        if stopping():
            raise WorkerStopping("The worker was asked to stop.")

    def _load_for(self, attempts: list[Attempt], heart: Heartbeat) -> Model | None:
        """The model; None if there is none, once every attempt has ended for that.

        A bundle out of reach may be back soon, and the jobs wait for it; one that is damaged or
        wrong would be so in every attempt.
        """
        try:
            with heart.without_tokens():
                return self._load()
        except (ModelUnavailable, OSError) as error:
            log.exception("the model cannot be loaded")
            for attempt in attempts:
                if isinstance(error, ModelUnusable):
                    attempt.fail(error, retry=False)
                else:
                    attempt.put_off(ModelUnavailable(str(error)))
            return None

    def _store(
        self, attempt: Attempt, result: Result | GenerationFailed, metrics: Metrics, model: Model
    ) -> None:
        if isinstance(result, GenerationFailed):
            attempt.fail(result, retry=True)
        elif result.finished:
            made_by = receipt(attempt.job, model.name, model.digest, result.effort)
            attempt.succeed({**result.output, "receipt": made_by}, metrics)
        elif attempt.cancel_requested:
            attempt.cancel()
        else:
            attempt.hand_back("The worker was asked to stop.")

    def _load(self) -> Model:
        folder = wiring.model_folder(self._side.settings)
        try:
            self._model = self._open_model(folder)
        except (ValueError, LookupError, TypeError) as error:
            raise ModelUnusable(f"The model in {folder} cannot be read: {error!r}.") from error
        log.info("model loaded", extra={"worker": self._side.worker})
        if not self._side.settings.bulk_only:
            self._side.show_model(self._model.name, self._model.lanes)
        return self._model
