"""The notify function, started by the framework: it delivers what a push names."""

from pathlib import Path

import functions_framework
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.support.paths import ROOT
from tests.support.receivers import answer, receiver
from tests.support.webhooks import SECRET, a_finished_job, an_api
from versequeue.functions import notify, wiring
from versequeue.functions.push import push_body, push_headers
from versequeue.ports.queue import Topic


def test_the_notify_function_delivers_what_a_push_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERSEQUEUE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VERSEQUEUE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("VERSEQUEUE_WEBHOOK_ALLOW_PRIVATE", "1")
    caches = (wiring.settings, wiring.store, wiring.queue, notify._notifier)
    for cached in caches:
        cached.cache_clear()
    store = wiring.store()
    api = an_api(store)
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "notify", str(ROOT / "notify_fn" / "main.py"), "cloudevent"
    )
    with receiver(answer(200)) as hook:
        job_id = a_finished_job(api, hook.url)
        for message in ({"target": job_id}, {"target": "x/y"}, {"target": "job_unknown"}, {}):
            pushed = app.test_client().post(
                "/",
                data=push_body(message, "1"),
                headers=push_headers(Topic.NOTIFY, "p", api.clock()),
            )
            assert pushed.status_code == 200
    assert len(hook.calls) == 1
    Verifier(SECRET).verify(hook.calls[0].body, hook.calls[0].headers)
    for cached in caches:
        cached.cache_clear()
    store.close()
