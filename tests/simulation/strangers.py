"""Rows that another version of the program wrote into the same store, while this one runs.

Three cannot be read, and one has more in it than is known.
"""

import json
from typing import Any

from tests.simulation.callers import Callers
from tests.simulation.firestore_ground import FirestoreGround
from tests.simulation.promises import UNREADABLE
from tests.simulation.songs import HONEST, LINES
from tests.simulation.sqlite_ground import SqliteGround
from versequeue.rules.options import ResolvedOptions
from versequeue.service.callers import Submission

UNKNOWN_STAGE = {"stage": UNREADABLE}
NO_TIME_ZONE = {"deadline_at": "2026-01-01T00:00:00", "metadata": {"note": UNREADABLE}}
#: Nobody can count these further, neither a worker that claims it nor a sweep that sends it again.
UNCOUNTABLE = {"publishes": "many", "attempt": "many", "metadata": {"note": UNREADABLE}}
MORE = {"moon": {"phase": 3}}


class Strangers:
    """Makes such rows, and sees at the end that nobody touched what nobody could read."""

    def __init__(self, callers: Callers, ground: SqliteGround | FirestoreGround) -> None:
        self._callers, self._ground = callers, ground
        self._left: dict[str, str] = {}

    def appear(self) -> None:
        """An actor: makes one of each, where there are any."""
        if self._callers.faults.weather.has("newer_records"):
            self._appear()
        self._callers.busy -= 1

    def _appear(self) -> None:
        callers, promises = self._callers, self._callers.promises
        for oddity in (UNKNOWN_STAGE, NO_TIME_ZONE, UNCOUNTABLE, MORE):
            callers.world.pause(callers.random.uniform(0, 60))
            made = callers.ask("submit", self._submit)
            if not hasattr(made, "found"):
                continue
            job_id = made.found.id
            document = json.loads(self._ground.body("jobs", job_id) or "{}")
            if document.get("stage") != "waiting":
                continue
            changed = json.dumps({**document, **oddity})
            self._ground.put_body("jobs", job_id, changed)
            if oddity is MORE:
                promises.accepted.add(job_id)
            else:
                self._left[job_id] = changed
                del promises.jobs[job_id]

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
