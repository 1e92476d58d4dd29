"""The processes of a world: workers with the real studio, and those that push to them.

`Machine` is one server as `versequeue up` runs it, with the real dispatchers. `Cloud` is a process
for each function, and pushes as Pub/Sub does.
"""

import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

from werkzeug.exceptions import ServiceUnavailable

import worker_fn.main
from tests.simulation.faults import Faults
from tests.simulation.runtime import FOREVER, Clock, Process, ProcessDied
from tests.simulation.threads import SimEvent
from versequeue.config import Settings
from versequeue.errors import VerseQueueError
from versequeue.functions.notify import notify_in_turn, notify_target, receiver_of
from versequeue.functions.push import push_body
from versequeue.local.dispatcher import Dispatcher
from versequeue.local.loops import keep_on
from versequeue.local.notify import NotifyDispatcher
from versequeue.ports.queue import Topic
from versequeue.service.sweep import sweep
from versequeue.service.worker import WorkerSide
from worker_fn.lyrics import open_lyrics
from worker_fn.studio import Studio

#: How long a worker may take over SIGTERM, and how often a push looks at one.
GRACE_S, LOOK_S = 10.0, 1.0


class WorkerPlace(Process):
    """A worker process: the real `worker_fn.main` and studio."""

    def __init__(self, faults: Faults, name: str, side: WorkerSide, clock: Clock) -> None:
        super().__init__(faults.world, name, clock)
        self.studio = Studio(side, open_lyrics, on_stall=self.kill)
        #: jobs of the push that is in hand
        self.in_hand: list[str] = []

    def serve(self, body: bytes) -> bool:
        """What the worker's HTTP server does with a push; whether it was acknowledged."""
        event: Any = SimpleNamespace(data=json.loads(body))
        function: Any = worker_fn.main.worker
        try:
            getattr(function, "__wrapped__", function)(event)
        except ServiceUnavailable:
            return False
        except Exception as error:
            self.world.note("worker answers 500", repr(error))
            return False
        return True


class Setting:
    """What all processes of a world stand on."""

    def __init__(
        self, faults: Faults, store: Any, queue: Any, broker: Any, settings: Settings
    ) -> None:
        self.faults, self.world, self.random = faults, faults.world, faults.random
        self.store, self.queue, self.settings = store, queue, settings
        #: the delivering side of the queue, in the hands of what plays Pub/Sub
        self.broker = broker
        self.workers: dict[str, WorkerPlace] = {}
        self._numbers = itertools.count(1)

    def worker_side(self, name: str) -> WorkerSide:
        """A worker's side, with the clock of the process that uses it."""
        return WorkerSide(self.store, self.queue, self.settings, name, self.world.clock)

    def new_worker(self, clock: Clock) -> WorkerPlace:
        """Another worker process."""
        name = f"worker-{next(self._numbers)}"
        worker = WorkerPlace(self.faults, name, self.worker_side(name), clock)
        self.workers[f"http://{name}/"] = worker
        return worker

    def tick(self) -> None:
        """One sweep. Whatever it raises is logged, and the next one tries again."""
        try:
            sweep(self.store, self.queue)
        except Exception as error:
            self.world.note("the sweep failed", repr(error))


class WorkerOfMachine:
    """A `versequeue.local.worker_process.WorkerProcess` whose process is one of this world."""

    def __init__(self, setting: Setting, clock: Clock) -> None:
        self._setting, self._clock = setting, clock
        self.place: WorkerPlace | None = None

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self.place is not None and not self.place.dead

    @property
    def pid(self) -> int | None:
        """A number, if there is a process."""
        return 1 if self.running else None

    def ensure(self) -> tuple[str, str]:
        """Its URL and its name; a dead one is replaced."""
        if self.place is None or self.place.dead:
            self.place = self._setting.new_worker(self._clock)
        return f"http://{self.place.name}/", self.place.name

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace."""
        place = self.place
        if place is None or place.dead:
            return
        place.stopping = True
        self._setting.world.pause(GRACE_S, lambda: place.dead or not place.in_hand)
        place.kill()

    def kill(self) -> None:
        """SIGKILL."""
        if self.place:
            self.place.kill()

    end = stop


def post_to(setting: Setting) -> Callable[..., bool]:
    """`versequeue.local.push.post`, to the workers of this world."""

    def post(
        url: str, body: bytes, _headers: Mapping[str, str], check: Callable[[], None] | None = None
    ) -> bool:
        worker = setting.workers[url]
        answer: list[Any] = []

        def work() -> None:
            try:
                answer.append(worker.call("push", lambda: worker.serve(body)))
            except ProcessDied as error:
                answer.append(ConnectionResetError(str(error)))

        limit_s = setting.faults.weather.constants["ACK_DEADLINE_S"] if check is None else FOREVER
        worker.in_hand.append(url)
        setting.world.process.start("post", work)
        waited_s = 0.0
        try:
            while not answer and waited_s < limit_s:
                setting.world.pause(LOOK_S, lambda: bool(answer))
                waited_s += LOOK_S
                if check and not answer:
                    check()
        finally:
            worker.in_hand.remove(url)
        if not answer:
            raise TimeoutError("timed out")
        if isinstance(answer[0], Exception):
            raise answer[0]
        return bool(answer[0])

    return post


class Machine:
    """`versequeue up`: callers' side, dispatchers and sweep in one process, a worker in another."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.world = setting, setting.world
        self.clock = setting.faults.new_clock()
        self.server = Process(self.world, "up-0", self.clock)
        self._starts = itertools.count(1)

    def open_at_the_front(self) -> Process:
        """The process that answers callers."""
        return self.server

    def set_clocks(self) -> None:
        """A turn of the weather: everything on one machine shares one clock."""
        self.setting.faults.step_clock([self.clock], (-3600.0, -30.0, 5.0, 0.0))

    def keep_up(self) -> None:
        """An actor: whoever starts the server, and starts it again after a crash."""
        while True:
            self.server = Process(self.world, f"up-{next(self._starts)}", self.clock)
            server, worker = self.server, WorkerOfMachine(self.setting, self.clock)
            with suppress(ProcessDied):
                server.call("main", partial(self._run, worker))
                self.world.pause(FOREVER, partial(getattr, server, "dead"))
            # The reaper ends what a dead server leaves.
            worker.kill()
            self.world.pause(self.setting.random.uniform(0.5, 10))

    def _run(self, worker: WorkerOfMachine) -> None:
        setting, server = self.setting, self.server
        queue: Any = setting.queue
        child: Any = worker
        idle_s = setting.random.choice((20.0, 300.0))
        pusher = Dispatcher(queue, child, setting.worker_side("up"), idle_s)
        notifier = NotifyDispatcher(queue, notify_target, receiver_of)
        pusher.take_over()
        stopping: Any = SimEvent(self.world)
        for name, run in (
            ("dispatcher", pusher.run),
            ("notifier", notifier.run),
            ("sweeper", partial(keep_on, self._sweep, stopping, "the sweep")),
        ):
            server.start(name, run)

    def _sweep(self) -> None:
        sweep(self.setting.store, self.setting.queue)
        self.world.pause(self.setting.settings.sweep_interval_s)


class Cloud:
    """Functions that are processes of their own, and what pushes to them."""

    INSTANCES = 2

    def __init__(self, setting: Setting) -> None:
        self.setting, self.world = setting, setting.world
        self._fronts: list[Process] = []
        self._names = itertools.count(1)
        self.broker = Process(self.world, "pubsub")

    def open_at_the_front(self) -> Process:
        """An instance of the function that answers callers."""
        self._fronts = [one for one in self._fronts if not one.dead]
        while len(self._fronts) < self.INSTANCES:
            self._fronts.append(self._instance("submit"))
        return self.setting.random.choice(self._fronts)

    def set_clocks(self) -> None:
        """A turn of the weather: each instance has a clock of its own."""
        places = [*self._fronts, *self.setting.workers.values()]
        clocks = [place.clock for place in places if not place.dead]
        self.setting.faults.step_clock(clocks, (-30.0, 5.0, 0.0))

    def keep_up(self) -> None:
        """An actor: starts what pushes, and the scheduler."""
        start = self.broker.start
        for number in range(self.INSTANCES):
            start(f"jobs-{number}", self._push_jobs)
            start(f"notify-{number}", self._push_events)
            start(f"scheduler-{number}", self._tick)

    def _instance(self, function: str) -> Process:
        name = f"{function}-{next(self._names)}"
        return Process(self.world, name, self.setting.faults.new_clock())

    def _push_jobs(self) -> None:
        setting = self.setting
        worker: WorkerPlace | None = None
        deadline_s = setting.faults.weather.constants["ACK_DEADLINE_S"]
        while True:
            self.world.pause(setting.random.uniform(0.2, 2))
            taken = setting.broker.lease((Topic.JOBS, Topic.BULK), self.world.now, deadline_s)
            if taken is None:
                continue
            if worker is None or worker.dead:
                worker = setting.new_worker(setting.faults.new_clock())
            serve = partial(worker.serve, push_body(taken.message, str(taken.id)))
            accepted = False
            try:
                # Cloud Run ends an instance that has not answered within its time-out.
                accepted = worker.call("push", serve, deadline_s)
            except TimeoutError:
                worker.kill()
            except ProcessDied:
                pass
            if accepted:
                setting.broker.ack(taken)
            else:
                setting.broker.nack(taken, self.world.now)

    def _push_events(self) -> None:
        setting = self.setting
        while True:
            self.world.pause(1)
            taken = setting.broker.lease((Topic.NOTIFY,), self.world.now, 60)
            if taken is None:
                continue
            deliver = partial(notify_in_turn, str(taken.message["target"]))
            try:
                self._instance("notify").call("deliver", deliver, 60)
            except (ProcessDied, TimeoutError, VerseQueueError):
                setting.broker.nack(taken, self.world.now)
            else:
                setting.broker.ack(taken)

    def _tick(self) -> None:
        setting = self.setting
        while True:
            self.world.pause(setting.settings.sweep_interval_s)
            process = self._instance("sweep")
            with suppress(ProcessDied):
                process.call("tick", setting.tick)
