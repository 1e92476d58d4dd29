"""A seeded simulation of the whole job system; what must hold in it is in `promises`.

`python -m tests.simulation --seeds 10000` runs many; `--seed N --seeds 1` replays one.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import versequeue.backends.firestore_documents as firestore_documents
import versequeue.functions.notify as notify_function
import versequeue.functions.wiring as wiring
import worker_fn.function
import worker_fn.lyrics
import worker_fn.main
import worker_fn.studio
from tests.simulation import stand_ins
from tests.simulation.callers import Callers
from tests.simulation.faults import Faults
from tests.simulation.firestore_ground import FirestoreGround
from tests.simulation.processes import Cloud, Machine, Setting, WorkerPlace, post_to
from tests.simulation.promises import Promises
from tests.simulation.receivers import Receivers
from tests.simulation.runtime import FOREVER, World
from tests.simulation.songs import PlayedWriter
from tests.simulation.sqlite_ground import SqliteGround
from tests.simulation.strangers import Strangers
from tests.simulation.weather import Weather, draw
from versequeue.config import Settings
from versequeue.local import push
from versequeue.ports.queue import Topic
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.receivers import Receivers as SharesOfSenders

ROUGH_STEPS, CALM_STEPS = 2500, 60_000


class Simulation:
    """One run of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.weather: Weather = draw(random.Random(seed))
        self.world = World(seed)
        self.faults = Faults(self.world, self.weather)
        self.promises = Promises(self.world, self.weather)
        self.settings: Settings = self.weather.settings

    def run(self) -> None:
        """Raise AssertionError, with the seed and the last events in it, if a promise is broken."""
        try:
            with self._built():
                self._run()
        except Exception as error:
            raise AssertionError(self.report(error)) from error
        finally:
            self.world.end()

    def report(self, error: BaseException) -> str:
        """Which seed, what broke, and what happened last."""
        world = self.world
        lines = [
            f"{at_s:10.3f} {who:24} {what} {detail}".rstrip()
            for at_s, who, what, detail in world.trace
        ]
        what = str(error) if isinstance(error, AssertionError) else repr(error)
        faults = " ".join(sorted(self.weather.faults))
        first = f"seed {self.seed}, step {world.steps}: {what}"
        return "\n".join([first, f"{self.weather.backend}: {faults}", *lines, first])

    def _run(self) -> None:
        self.callers.busy = 5
        start = self.world.outside.start
        start("visitor-1", self.callers.visitor)
        start("visitor-2", self.callers.visitor)
        start("files", self.callers.owner_of_files)
        start("meddler", self.callers.meddler)
        if self.weather.has("limits"):
            self.callers.busy += 1
            start("crowd", self.callers.crowd)
        start("weather", self._rage)
        start("place", self.place.keep_up)
        start("strangers", self.strangers.appear)
        self.world.run(self._rough_time_is_over, 20 * ROUGH_STEPS)
        if self.weather.has("lost_messages"):
            self._lose_a_file()
        self.place.set_clocks()
        self.faults.calm()
        start("watchdog", self._watch)
        self.world.run(self._all_ended, CALM_STEPS)
        self.check_innocent()
        self.promises.check_patience(self.faults.calm_at_s)
        # What is left are webhooks, some of which are due much later: time may go by faster.
        self.world.drift_s = 5
        self.world.run(self.promises.at_rest, CALM_STEPS)
        self.promises.check_end()
        self.strangers.check()

    def _lose_a_file(self) -> None:
        """A file comes while every message is lost: its rows are for the sweep alone."""
        self.faults.loses_all = True
        self.callers.busy += 1
        self.world.outside.start("late file", self.callers.owner_of_files)
        until_s = self.world.now_s + 40
        self.world.run(lambda: self.world.now_s >= until_s, CALM_STEPS)

    def _rough_time_is_over(self) -> bool:
        return self.world.now_s >= self.weather.rough_s or self.world.steps >= ROUGH_STEPS

    def _all_ended(self) -> bool:
        return not self.callers.busy and all(job.done for job in self.promises.jobs.values())

    def _rage(self) -> None:
        while self.faults.rough:
            self.faults.rage()
            if self.faults.random.random() < 0.3:
                self.place.set_clocks()
            if self.weather.has("stops") and self.faults.rough:
                self._stop_a_worker()

    def _stop_a_worker(self) -> None:
        alive = [each for each in self.setting.workers.values() if not each.dead]
        standing = [each for each in alive if each.stands_until > self.world.now_s]
        workers = [each for each in alive if each not in standing]
        # One that stood goes on while another writes, perhaps the same job: both mean to report it.
        if standing and any(each.in_hand for each in workers):
            worker = self.faults.random.choice(standing)
            worker.stands_until = self.world.now_s
            self.world.note("goes on", worker.name)
            return
        # One that writes, where there is one: what it would do once it goes on counts.
        workers = [each for each in workers if each.in_hand] or workers
        if workers:
            worker = self.faults.random.choice(workers)
            leases = self.faults.random.choice((1.2, 3, FOREVER))
            worker.stand_still(self.settings.lease_s * leases)
            self.world.note("stands still", worker.name)

    def _watch(self) -> None:
        while True:
            self.world.pause(self.weather.tick_s)
            if not self.world.drift_s and not self.weather.has("clock_steps"):
                self.promises.check_punctual(self.faults.calm_at_s)
            if isinstance(self.place, Machine) and not self.world.drift_s:
                self.promises.check_set_back(self.place.clock)
            for topic in Topic:
                self.promises.check_depth(topic, self.ground.depth(topic))

    def check_innocent(self) -> None:
        """Only where nothing but prompts and receivers was bad."""
        harmless = {"killers", "hangers", "bad_receivers", "newer_records", "limits"}
        if self.weather.faults <= harmless and self.weather.settings.lease_s > 5:
            self.promises.check_innocent()

    @contextmanager
    def _built(self) -> Iterator[None]:
        """The processes, with this world in the place of the real one."""
        pairs = stand_ins.time_and_threads(self.world)
        with stand_ins.replaced(pairs, self.weather.constants):
            on_one_machine = self.weather.backend == "sqlite"
            kind = SqliteGround if on_one_machine else FirestoreGround
            ground = kind(self.faults, self.promises, self.weather.max_deliveries)
            self.ground: SqliteGround | FirestoreGround = ground
            setting = Setting(self.faults, ground.store, ground.queue, ground.broker, self.settings)
            self.setting = setting
            self.place: Machine | Cloud = (Machine if on_one_machine else Cloud)(setting)
            self.callers = Callers(setting, self.place, self.promises, self.faults)
            self.strangers = Strangers(self.callers, ground)
            with stand_ins.put(self._wiring(setting)):
                yield
            ground.close()

    def _wiring(self, setting: Setting) -> list[tuple[Any, str, Any]]:
        """What a process finds in its surroundings, by the place where it looks for it."""
        world, ground = self.world, self.ground
        receivers: Any = Receivers(self.faults, self.promises)
        notifier = Notifier(
            ground.store, receivers, self.settings, clock=world.clock, jitter=world.random.random
        )
        wired: list[tuple[Any, str, Any]] = [
            (push, "post", post_to(setting)),
            (wiring, "settings", lambda: self.settings),
            (wiring, "store", lambda: ground.store),
            (wiring, "queue", lambda: ground.queue),
            (wiring, "model_folder", lambda *_: Path("model")),
            (notify_function, "_notifier", lambda: notifier),
            (notify_function, "_receivers", SharesOfSenders()),
            (worker_fn.function, "studio_of", lambda _open_model: _worker(world).studio),
            (worker_fn.lyrics, "Writer", PlayedWriter.opener(self.faults)),
            (worker_fn.studio, "stopping", lambda: world.process.stopping),
        ]
        if isinstance(ground, FirestoreGround):
            wired.append((firestore_documents, "firestore", ground.library()))
        return wired


def _worker(world: World) -> WorkerPlace:
    assert isinstance(world.process, WorkerPlace)
    return world.process


def run_seeds(first: int, count: int) -> Iterator[Simulation]:
    """Run seeds one after the other; each, once it has run."""
    for seed in range(first, first + count):
        simulation = Simulation(seed)
        simulation.run()
        yield simulation
