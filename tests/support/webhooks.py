"""Jobs with webhooks, from their submit to their end, and notifiers that deliver what is due."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.support.api import ApiUnderTest, ManualClock, make_api
from versequeue.ports.store import Store
from versequeue.rules.job import Job, Metrics, Stage, claim, succeed
from versequeue.rules.webhook import Webhook
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.sender import Outcome, WebhookSender

SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzIQ=="
OUTPUT = {
    "lyrics": "one\ntwo",
    "title": "T",
    "sections": [{"name": "Verse", "lines": ["one", "two"]}],
    "rhyme": {"scheme": "AABB", "score": 1.0},
    "receipt": {},
}


class FakeSender(WebhookSender):
    """Answers from a list, the last one for ever; remembers the ids that it was to send."""

    def __init__(self, *outcomes: Outcome) -> None:
        super().__init__([])
        self.outcomes = list(outcomes)
        self.ids: list[str] = []

    def send(self, url: str, webhook_id: str, body: bytes, now: datetime) -> Outcome:
        self.ids.append(webhook_id)
        return self.outcomes[min(len(self.ids), len(self.outcomes)) - 1]


def an_api(store: Store | None = None) -> ApiUnderTest:
    # The present: receivers refuse a timestamp that is five minutes off.
    return make_api(clock=ManualClock(datetime.now(UTC)), store=store)


def a_finished_job(api: ApiUnderTest, url: str, events: Sequence[str] = ()) -> str:
    """Submit with a webhook, and write the song; the job's id."""
    webhook = {"url": url, "events": list(events)}
    made = api.client.post("/v1/jobs", json={"prompt": "the sea", "webhook": webhook})
    assert made.status_code == 202, made.get_json()
    job_id: str = made.get_json()["id"]
    finish(api, job_id)
    return job_id


def finish(api: ApiUnderTest, job_id: str) -> None:
    now = api.clock()

    def write(job: Job) -> Job:
        running = claim(job, now, "w", lease_s=30, attempt_limit_s=60, stage=Stage.WRITING)
        return succeed(running, running.attempt, now, OUTPUT, Metrics())

    assert api.store.update_job(job_id, write)


def a_notifier(api: ApiUnderTest, sender: WebhookSender | None = None) -> Notifier:
    sender = sender or WebhookSender([SECRET], allow_private=True)
    return Notifier(api.store, sender, api.service.settings, clock=api.clock, jitter=lambda: 0.5)


def the_webhook(api: ApiUnderTest, job_id: str) -> Webhook:
    job = api.store.get_job(job_id)
    assert job is not None
    assert job.webhook is not None
    return job.webhook


def deliveries(api: ApiUnderTest, job_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.client.get(f"/v1/jobs/{job_id}").get_json()["webhook"][
        "deliveries"
    ]
    return found
