"""Jobs with webhooks from their submit to their end, notifiers, and single delivery attempts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.support.api import ApiUnderTest, ManualClock, make_api
from versequeue.ports.store import Store
from versequeue.rules.webhook import Webhook
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.push_keys import PushKey
from versequeue.webhooks.push_sender import PushSender
from versequeue.webhooks.sender import Outcome, WebhookSender

SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzIQ=="
PUSH_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = json.dumps({"type": "job.succeeded", "data": {"prompt": "café"}}).encode()


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
    job_id = api.submit(webhook={"url": url, "events": list(events)})
    api.write(job_id)
    return job_id


def a_notifier(api: ApiUnderTest, sender: WebhookSender | None = None) -> Notifier:
    sender = sender or WebhookSender([SECRET], allow_private=True)
    times: dict[str, Any] = {"clock": api.clock, "jitter": lambda: 0.5}
    pushes = PushSender(PushKey.read(PUSH_KEY), "https://owner.example/", allow_private=True)
    return Notifier(api.store, sender, api.jobs.settings, pushes=pushes, **times)


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


def send(url: str, sender: WebhookSender | None = None) -> Outcome:
    """One attempt, now."""
    return (sender or local_sender()).send(url, "msg_1", BODY, datetime.now(UTC))


def local_sender(timeout_s: float = 15, secrets: Sequence[str] = (SECRET,)) -> WebhookSender:
    """One that may call this machine."""
    return WebhookSender(secrets, allow_private=True, timeout_s=timeout_s)
