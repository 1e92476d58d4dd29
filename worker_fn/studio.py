"""The studio, where jobs meet a model: claims jobs, has it do them, stores what it made of them.

It has one model in memory at a time, and does all jobs of a message that are for one before it
loads the next.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from versequeue.errors import (
    GenerationFailed,
    ModelNotServed,
    ModelUnavailable,
    ModelUnusable,
    VerseQueueError,
)
from versequeue.functions import wiring
from versequeue.named_models import NamedModel
from versequeue.rules.job import Job, Metrics, Stage
from versequeue.rules.outlook import About
from versequeue.service.attempt import Attempt
from versequeue.service.worker import WorkerSide
from versequeue.stopping import stopping
from worker_fn.heartbeat import Heartbeat
from worker_fn.model import Model, OpenModel, Result
from worker_fn.receipts import receipt

log = logging.getLogger(__name__)
STOPPED = "The worker was asked to stop."


class WorkerStopping(Exception):
    """The process must end, and the message is to be delivered again, to another one."""


class _Shares:
    """How the songs of a pass share its seconds: those that are still written, equally."""

    def __init__(self, songs: int, begun: float) -> None:
        self._left = songs
        self._last = begun
        self._each_s = 0.0

    def next_s(self, now: float) -> float:
        """The part of the song that ends next, at `now`."""
        self._each_s += (now - self._last) / max(1, self._left)
        self._last = now
        self._left -= 1
        return self._each_s


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
        #: which of the server's models that is, or was to be
        self._loaded = side.settings.models[0]
        self._busy = threading.Lock()
        #: held while a model is loaded, by a warm-up or by jobs
        self._loading = threading.Lock()

    def warm_up(self) -> None:
        """Load a model, or only say which is loaded. Raises ModelUnavailable or OSError."""
        with self._loading:
            model = self._model or self._load(self._side.settings.models[0])
            self._show(model)

    def begin_warm_up(self) -> threading.Thread:
        """`warm_up` in the thread that is returned: jobs that come meanwhile say that it loads.

        A model that cannot be loaded is left to the next job, which says why.
        """
        thread = threading.Thread(target=self._try_warm_up, name="warm-up")
        thread.start()
        return thread

    def perform(self, job_ids: Sequence[str]) -> None:
        """Claim these jobs, have them done together, store what came of them.

        Raises WorkerStopping or a VerseQueueError when the message is to come again.
        """
        with self._busy:
            if attempts := self._side.claim_all(job_ids, self._first_stage):
                with Heartbeat(attempts, self._side.settings, self._on_stall) as heart:
                    faults = [self._fault_of(group, heart) for group in self._groups(attempts)]
                self._side.show_ends()
                for fault in filter(None, faults):
                    raise fault

    def _try_warm_up(self) -> None:
        try:
            self.warm_up()
        except (VerseQueueError, OSError) as error:
            log.warning("not warmed up: %s", error)

    def _first_stage(self, job: Job) -> Stage:
        is_loaded = self._model and self._model_of(job) in (self._loaded, None)
        return Stage.WRITING if is_loaded else Stage.LOADING_MODEL

    def _model_of(self, job: Job) -> NamedModel | None:
        return self._side.settings.model_of(job.options.model)

    def _groups(self, attempts: Sequence[Attempt]) -> list[list[Attempt]]:
        """These by their model, those of the loaded one first."""
        groups: dict[NamedModel | None, list[Attempt]] = {}
        for attempt in attempts:
            groups.setdefault(self._model_of(attempt.job), []).append(attempt)
        return sorted(groups.values(), key=lambda each: self._model_of(each[0].job) != self._loaded)

    def _fault_of(self, attempts: list[Attempt], heart: Heartbeat) -> Exception | None:
        """Do these, which are for one model; what went wrong so that the message is to come again.

        What nobody expected of the model ends their attempts, and it is opened anew.
        """
        try:
            self._do(attempts, heart)
        except (VerseQueueError, WorkerStopping) as fault:
            return fault
        except Exception:
            log.exception("the model met a fault that nobody expected; it is reopened")
            self._model = None
            for attempt in attempts:
                attempt.fail(VerseQueueError(), retry=True)
        return None

    def _do(self, attempts: list[Attempt], heart: Heartbeat) -> None:
        named = self._model_of(attempts[0].job)
        if named is None:
            self._refuse(attempts)
        elif stopping():
            self._stop(attempts)
        else:
            self._write(named, attempts, heart)

    def _refuse(self, attempts: Sequence[Attempt]) -> None:
        served = ", ".join(self._side.settings.model_names)
        for attempt in attempts:
            asked = attempt.job.options.model
            detail = f"The model {asked} is not served here any more; this server has {served}."
            attempt.fail(ModelNotServed(detail), retry=False)

    def _stop(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            attempt.hand_back(STOPPED)
        raise WorkerStopping(STOPPED)

    def _write(self, named: NamedModel, attempts: list[Attempt], heart: Heartbeat) -> None:
        cold, started = self._model is None, time.monotonic()
        is_loaded = not cold and self._loaded == named
        model = self._model if is_loaded else self._load_for(named, attempts, heart)
        if model is None:
            return
        begun = time.monotonic()
        shares = _Shares(len(attempts), begun)
        load_s = 0.0 if is_loaded else round(begun - started, 3)
        faults: list[VerseQueueError] = []

        def should_stop() -> bool:
            heart.token()
            # Nobody takes what is written of attempts that are over: the worker is free for others.
            return stopping() or all(attempt.over for attempt in attempts)

        def on_result(index: int, result: Result | GenerationFailed) -> None:
            now = time.monotonic()
            # The first that came is the one for which the model was loaded.
            own_load_s = 0.0 if index else load_s
            metrics = Metrics(
                queue_s=attempts[index].job.metrics.queue_s,
                cold_start=cold,
                model_load_s=load_s,
                generate_s=round(now - begun, 3),
                tokens=result.tokens if isinstance(result, Result) else None,
                worker_s=round(own_load_s + shares.next_s(now), 3),
                starts=int(cold and not index),
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
            raise WorkerStopping(STOPPED)

    def _load_for(
        self, named: NamedModel, attempts: list[Attempt], heart: Heartbeat
    ) -> Model | None:
        """The model; None if there is none, once every attempt has ended for that.

        A bundle out of reach may be back soon, and the jobs wait for it; one that is damaged or
        wrong would be so in every attempt.
        """
        try:
            with heart.without_tokens(), self._loading:
                is_loaded = self._model and self._loaded == named
                return self._model if is_loaded else self._load(named)
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
            made_by = receipt(attempt.job, model, result)
            attempt.succeed({**result.output, "receipt": made_by}, metrics)
        elif attempt.cancel_requested:
            attempt.cancel()
        else:
            attempt.hand_back(STOPPED)

    def _load(self, named: NamedModel) -> Model:
        settings = self._side.settings
        self._model = None  # two of them may be more than the memory holds
        folder = wiring.model_folder(settings, named)
        try:
            model = self._open_model(folder)
        except (ValueError, LookupError, TypeError) as error:
            raise ModelUnusable(f"The model in {folder} cannot be read: {error!r}.") from error
        # In this order: whoever sees that there is a model looks which it is.
        self._loaded, self._model = named, model
        log.info("model loaded: %s", named.name, extra={"worker": self._side.worker})
        if not settings.bulk_only:
            self._show(model)
        return model

    def _show(self, model: Model) -> None:
        name = self._side.settings.told_model(self._loaded.name)
        self._side.show_model(About(model.name, model.licence, model.lanes), name)
