"""The notify function, started by the framework: it delivers what a push names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from deploy.functions import function
from tests.support.paths import ROOT
from tests.support.push_service import Subscriber, claims_of, push_service
from tests.support.receivers import answer, receiver
from tests.support.webhooks import (
    PUSH_KEY,
    SECRET,
    FakeSender,
    a_finished_job,
    a_notifier,
    an_api,
    the_webhook,
)
from versequeue.clock import utc_now
from versequeue.config import Settings
from versequeue.functions import notify, wiring
from versequeue.functions.push import push_body, push_headers
from versequeue.ports.queue import Topic
from versequeue.ports.store import Store
from versequeue.webhooks.push_keys import PushKey
from versequeue.webhooks.receivers import REST_LONGEST_S, SENDERS, Receivers
from versequeue.webhooks.sender import Outcome


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """That of this process, which is as new."""
    monkeypatch.setenv("VERSEQUEUE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VERSEQUEUE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("VERSEQUEUE_PUSH_KEY", PUSH_KEY)
    monkeypatch.setenv("VERSEQUEUE_WEBHOOK_ALLOW_PRIVATE", "1")
    caches = (wiring.settings, wiring.store, wiring.queue, notify._notifier)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(notify, "_receivers", Receivers())
    found = wiring.store()
    yield found
    for cached in caches:
        cached.cache_clear()
    found.close()


def push(app: Any, *messages: dict[str, Any]) -> None:
    for message in messages:
        body, headers = push_body(message, "1"), push_headers(Topic.NOTIFY, "p", utc_now())
        assert app.test_client().post("/", data=body, headers=headers).status_code == 200


def an_app() -> Any:
    return functions_framework.create_app(  # type: ignore[no-untyped-call]
        "notify", str(ROOT / "notify_fn" / "main.py"), "cloudevent"
    )


def test_the_notify_function_delivers_what_a_push_names(store: Store) -> None:
    api = an_api(store)
    with receiver(answer(200)) as hook:
        job_id = a_finished_job(api, hook.url)
        targets = (job_id, "x/y", "job_unknown")
        push(an_app(), *({"target": target} for target in targets), {})
    assert len(hook.calls) == 1
    Verifier(SECRET).verify(hook.calls[0].body, hook.calls[0].headers)


def test_one_silent_receiver_does_not_have_all_senders_and_what_waits_is_left_to_the_sweep(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, app = an_api(store), an_app()
    dead = [a_finished_job(api, "https://dead.example/hook") for _ in range(30)]
    alive = a_finished_job(api, "https://alive.example/hook")
    sent: list[str] = []

    class Sender(FakeSender):
        def send(self, url: str, *_: Any) -> Outcome:
            sent.append(url)
            if "alive" in url:
                return Outcome(200)
            # While it keeps us waiting, everything else is pushed, too.
            push(app, *({"target": target} for target in [*dead[1:], alive]))
            return Outcome(error="No answer in time.")

    monkeypatch.setattr(notify, "_notifier", lambda: a_notifier(api, Sender()))
    push(app, {"target": dead[0]})

    assert [url.split(".")[0] for url in sent] == ["https://dead", "https://alive"]
    for target in dead[1:]:
        pending = the_webhook(api, target).pending
        assert pending
        assert pending.tries == 0, "what was put back was not tried"
        assert pending.due_at <= api.clock() < pending.notify_at
    api.clock.pass_s(REST_LONGEST_S)
    assert len(store.jobs_to_notify(api.clock())) == len(dead)


def test_a_receiver_is_known_by_its_place_and_by_the_caller_who_named_it(store: Store) -> None:
    api = an_api(store)
    urls = ("https://example.com/a", "https://EXAMPLE.com.:00443/b", "https://example.com:8443/")
    one, same, other = (notify.receiver_of(a_finished_job(api, url)) for url in urls)
    assert one == same != other
    job = store.get_job(a_finished_job(api, urls[0]))
    assert job
    assert one.client == job.client != ""
    assert notify.receiver_of("job_unknown").place == ""


def test_the_deployed_function_has_more_threads_than_senders() -> None:
    spec = function("notify")
    assert spec.size.variables["THREADS"] == str(spec.size.concurrency)
    assert spec.size.concurrency > SENDERS


def test_the_notify_function_pushes_to_the_browser_that_a_message_names(store: Store) -> None:
    api = an_api(store)
    with push_service() as service:
        job_id = api.submit(push=service.subscription)
        api.write(job_id)
        targets = (f"{job_id}/push", f"{job_id}/other", "job_unknown/push", f"{job_id}/push/push")
        push(an_app(), *({"target": target} for target in targets))
    (message,) = service.messages()
    assert message["link"] == f"?job={job_id}"
    (call,) = service.hook.calls
    public_key = PushKey.read(PUSH_KEY).public_key
    audience = f"http://127.0.0.1:{service.hook.port}"
    assert claims_of(call, audience, public_key, utc_now())["sub"] == "https://localhost"


def test_a_push_goes_to_the_place_of_its_push_service_and_counts_for_its_caller(
    store: Store,
) -> None:
    api = an_api(store)
    subscription = Subscriber().subscription("https://push.example/abc")
    job = store.get_job(api.submit(push=subscription, webhook={"url": "https://hook.example/"}))
    assert job
    assert notify.receiver_of(f"{job.id}/push") == ("push.example 443", job.client)
    assert notify.receiver_of(job.id) == ("hook.example 443", job.client)
    assert notify.receiver_of("job_unknown/push") == notify.NOBODY


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "https://localhost"),
        ({"submit_url": "http://127.0.0.1:1"}, "https://localhost"),
        ({"submit_url": "https://submit.example"}, "https://submit.example"),
        (
            {"submit_url": "https://s.example", "push_contact": "mailto:a@b.example"},
            "mailto:a@b.example",
        ),
    ],
)
def test_a_push_service_is_told_whom_to_turn_to(given: dict[str, str], told: str) -> None:
    assert notify._contact(Settings(**given)) == told  # type: ignore[arg-type]
