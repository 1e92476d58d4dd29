"""The budget's messages, and what the cap function does on each of them."""

import base64
import json
from collections.abc import Iterator

import google.auth
import pytest
import requests
from cloudevents.http import CloudEvent
from google.auth.credentials import AnonymousCredentials

from cap_fn import billing
from cap_fn.main import cap, project
from tests.support.receivers import Receiver, answer, receiver

#: As https://cloud.google.com/billing/docs/how-to/budgets-programmatic-notifications shows it.
MESSAGE = {
    "budgetDisplayName": "versequeue song-shop",
    "alertThresholdExceeded": 1.0,
    "costAmount": 5.21,
    "costIntervalStart": "2026-11-01T08:00:00Z",
    "budgetAmount": 5.0,
    "budgetAmountType": "SPECIFIED_AMOUNT",
    "currencyCode": "USD",
}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Cloud Billing, as far as it is asked."""
    monkeypatch.setenv("VERSEQUEUE_PROJECT", "song-shop")
    project.cache_clear()
    monkeypatch.setattr(google.auth, "default", lambda **_: (AnonymousCredentials(), None))  # type: ignore[no-untyped-call]
    with receiver(answer(200, "{}")) as served:
        monkeypatch.setattr(billing, "BILLING_API", f"http://127.0.0.1:{served.port}")
        yield served
    project.cache_clear()


def push(message: object) -> None:
    data = base64.b64encode(json.dumps(message).encode()).decode()
    about = {"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub"}
    cap(CloudEvent(about, {"message": {"data": data}}))


def test_a_spent_budget_takes_the_project_off_its_billing_account(api: Receiver) -> None:
    push(MESSAGE)

    (call,) = api.calls
    assert call.line.startswith("PUT /v1/projects/song-shop/billingInfo ")
    assert json.loads(call.body) == {"billingAccountName": ""}


@pytest.mark.parametrize(
    "changed",
    [
        {"costAmount": 4.99, "alertThresholdExceeded": 0.9},
        {"costAmount": 0.5, "alertThresholdExceeded": None, "forecastThresholdExceeded": 1.0},
        {"costAmount": "5.21"},
        {"budgetAmount": None},
        {"costAmount": 0, "budgetAmount": 0},
    ],
    ids=["not yet", "a forecast", "a text", "no budget", "a budget of nothing"],
)
def test_any_other_message_of_a_budget_changes_nothing(
    api: Receiver, changed: dict[str, object]
) -> None:
    push(MESSAGE | changed)
    push(["no", "object"])

    assert api.calls == []


def test_a_refusal_brings_the_message_again(api: Receiver) -> None:
    api.behaviours[:] = [answer(403, "{}")]

    with pytest.raises(requests.HTTPError, match="403"):
        push(MESSAGE)
