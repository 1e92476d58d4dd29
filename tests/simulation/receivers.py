"""What stands in for the network of webhooks: receivers that are good, silent, or worse."""

import json
from datetime import datetime

from tests.simulation.callers import LEAVING, REFUSING, SILENT
from tests.simulation.faults import Faults
from tests.simulation.promises import Promises
from versequeue.rules.webhook import HTTP_GONE
from versequeue.webhooks.sender import TIMEOUT_S, Outcome


class Receivers:
    """`versequeue.webhooks.sender.WebhookSender`: remembers each event, and what it answered."""

    def __init__(self, faults: Faults, promises: Promises) -> None:
        self._faults, self._promises = faults, promises

    def send(self, url: str, webhook_id: str, body: bytes, _now: datetime) -> Outcome:
        """One try. The process may die while the receiver has already heard of the event."""
        world = self._faults.world
        event = json.loads(body)
        target = (event["data"]["id"], event["type"])
        world.note("sends", f"{target} {webhook_id}")
        told, status = self._promises.told, None
        told.asked_for(event["type"], event["data"]["webhook"]["events"])
        told.begins(target, webhook_id)
        try:
            status = self._answer(url)
        finally:  # also where the process of the sender dies
            told.ends(webhook_id, status)
        if status is None:
            return Outcome(error="There was no complete answer within its time.")
        return Outcome(status, None if status == 200 else f"The answer was {status}.")

    def _answer(self, url: str) -> int | None:
        world, rng = self._faults.world, self._faults.random
        host = url.split("/")[2].partition(".")[0]
        if host == SILENT:
            world.pause(TIMEOUT_S)
            return None
        world.pause(rng.choice((0.05, 0.3, 2)))
        if self._faults.rough and rng.random() < 0.15:
            return 503
        return {REFUSING: 500, LEAVING: HTTP_GONE}.get(host, 200)
