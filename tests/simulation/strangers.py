"""Rows that another version of the program wrote into the same store, while this one runs."""

import json
from typing import Any

from tests.simulation.callers import Callers
from tests.simulation.firestore_ground import FirestoreGround
from tests.simulation.promises import UNREADABLE
from tests.simulation.songs import HONEST, LINES
from tests.simulation.sqlite_ground import SqliteGround
from versequeue.rules.options import ResolvedOptions
from versequeue.service.callers import Submission


class Strangers:
    """Makes such rows, and sees at the end that nobody touched what nobody could read."""

    def __init__(self, callers: Callers, ground: SqliteGround | FirestoreGround) -> None:
        self._callers, self._ground = callers, ground
        self._left: dict[str, str] = {}

    def appear(self) -> None:
        """An actor: a row of an unknown stage, and one with more in it than is known."""
        if self._callers.faults.weather.has("newer_records"):
            self._appear()
        self._callers.busy -= 1

    def _appear(self) -> None:
        callers, promises = self._callers, self._callers.promises
        for stage in (UNREADABLE, None):
            callers.world.pause(callers.random.uniform(0, 60))
            made = callers.ask("submit", self._submit)
            if not hasattr(made, "found"):
                continue
            job_id = made.found.id
            document = json.loads(self._ground.body("jobs", job_id) or "{}")
            if document.get("stage") != "waiting":
                continue
            changed = json.dumps({**document, "stage": stage or "waiting", "moon": {"phase": 3}})
            self._ground.put_body("jobs", job_id, changed)
            if stage:
                self._left[job_id] = changed
                del promises.jobs[job_id]
            else:
                promises.accepted.add(job_id)

    def _submit(self) -> Any:
        options = ResolvedOptions(seed=3, lines=LINES)
        return self._callers.jobs().submit(HONEST, options, Submission("newer"))

    def check(self) -> None:
        """What could not be read is as it was."""
        promises = self._callers.promises
        for job_id, body in self._left.items():
            kept = self._ground.body("jobs", job_id)
            gone = kept is None and promises.weather.has("retention")
            promises.expect(gone or kept == body, f"{job_id} was changed by who could not read it")
