"""The public API, played at the network of a browser: answers in the order given.

For the page's tests and screenshots only; every failure that a network or a server can have is
injected here. Its fixture reaches the tests through conftest.py.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Route

JOB = "job_abcdefghijklmnopqrstuv"
BATCH = "batch_abcdefghijklmnopqrstuv"
LINES = (
    "The window hums a tune along the track,",
    "My suitcase full of reasons to come back,",
    "The rain keeps time on every sheet of glass,",
    "And all the little stations that we pass,",
    "There's coffee going cold beside my hand,",
    "A radio that fades across the land,",
    "The conductor nods and softly calls my town,",
    "And I can feel the engine winding down,",
)
#: Other drafts of the third line.
DRAFTS = (
    "The rain is writing letters on the glass,",
    "I count the drops that race along the glass,",
)
CHORUS = (
    "So roll me home, I've had enough of roaming,",
    "Roll me home, the evening light is foaming,",
    "Count the lamps along the river bend,",
    "Every mile's a letter to a friend,",
)


@dataclass(frozen=True)
class Answer:
    """One response; `aborted` is a connection that breaks."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    aborted: bool = False


BROKEN = Answer(aborted=True)
Reply = Answer | Callable[[Request], Answer]


def problem(status: int, slug: str, detail: str = "", **more: Any) -> Answer:
    """A problem+json response; `retry_after` becomes its header."""
    headers = {"Content-Type": "application/problem+json"}
    if "retry_after" in more:
        headers["Retry-After"] = str(more.pop("retry_after"))
    body = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": detail}
    return Answer({**body, **more}, status, headers)


def job(status: str = "queued", *, age_s: float = 0.0, **changes: Any) -> dict[str, Any]:
    """A job as the API shows it, made `age_s` seconds ago."""
    created = datetime.now(UTC) - timedelta(seconds=age_s)
    done = status not in ("queued", "running")
    options = {
        "lines": 8, "rhyme_scheme": "AABB", "structure": "verse", "style": "folk", "mood": "",
        "temperature": 0.8, "top_p": 0.95, "seed": 7, "explicit": False, "continue_prompt": False,
    }  # fmt: skip
    base = {
        "object": "job", "id": JOB, "status": status, "done": done,
        "stage": None if done else "waiting", "prompt": "a slow train home in the rain",
        "options": options, "given": [], "metadata": {},
        "batch_id": None, "custom_id": None, "attempt": 0,
        "max_attempts": 5, "progress": {"completed": 0, "total": 8, "unit": "lines"},
        "preview": "", "output": None, "error": None, "queue_position": 0, "eta_seconds": 7,
        "created_at": iso(created), "started_at": None, "finished_at": None,
        "cancel_requested_at": None, "expires_at": iso(created + timedelta(days=30)),
        "metrics": {}, "events": [event(created, 0, "queued")], "webhook": None,
        "urls": {"self": f"/v1/jobs/{JOB}"},
    }  # fmt: skip
    return {**base, **changes}


def loading(age_s: float = 2.0) -> dict[str, Any]:
    """The job while the model wakes up."""
    start = datetime.now(UTC) - timedelta(seconds=age_s)
    events = [event(start, 0, "queued"), event(start, 0.4, "claimed", "loading_model")]
    return job("running", age_s=age_s, stage="loading_model", attempt=1, events=events)


def writing(lines: int = 5, age_s: float = 4.0) -> dict[str, Any]:
    """The job with its first `lines` lines written."""
    start = datetime.now(UTC) - timedelta(seconds=age_s)
    progress = {"completed": lines, "total": 8, "unit": "lines"}
    return job(
        "running",
        age_s=age_s,
        stage="writing",
        attempt=1,
        progress=progress,
        preview="\n".join(LINES[:lines]),
        eta_seconds=2,
        events=timeline(start),
    )


def succeeded(*, as_song: bool = False, **changes: Any) -> dict[str, Any]:
    """The finished job; as a song it has a verse and a chorus, twice."""
    start = datetime.now(UTC) - timedelta(seconds=6.2)
    parts: list[tuple[str, tuple[str, ...]]] = [("Verse 1", LINES)]
    if as_song:
        verses = LINES[:4], LINES[4:]
        parts = [("Verse 1", verses[0]), ("Chorus", CHORUS)]
        parts += [("Verse 2", verses[1]), ("Chorus", CHORUS)]
    output = {
        "lyrics": "\n\n".join("\n".join([f"[{name}]", *lines]) for name, lines in parts),
        "title": "Roll Me Home",
        "sections": [
            {"name": name, "lines": list(lines), "rhyme_scheme": "AABB"} for name, lines in parts
        ],
        "rhyme": {"scheme": "AABB", "score": 1.0, "slant": [], "missed": []},
        "alternatives": [
            list(DRAFTS) if line == LINES[2] else [] for _, lines in parts for line in lines
        ],
        "receipt": {
            "model": "SmolLM2-135M-Instruct", "model_digest": "sha256:" + "3f9a" * 16,
            "seed": 7, "input_digest": "sha256:" + "c01d" * 16, "version": "0.3.0",
        },
    }  # fmt: skip
    base = job(
        "succeeded",
        age_s=6.2,
        attempt=1,
        output=output,
        finished_at=iso(start + timedelta(seconds=6.2)),
        progress={"completed": 8, "total": 8, "unit": "lines"},
        metrics={
            "queue_s": 0.4, "cold_start": True, "model_load_s": 1.9, "tokens": 180,
            "cost_usd": 0.000154044, "machine_usd": 12,
        },
        events=[*timeline(start), event(start, 6.2, "succeeded")],
    )  # fmt: skip
    return {**base, **changes}


def batch(**counts: int) -> dict[str, Any]:
    """A batch with these counts; it is done once nothing is queued or running."""
    names = ("queued", "running", "succeeded", "failed", "canceled", "expired")
    full = {name: counts.get(name, 0) for name in names}
    done = not full["queued"] and not full["running"]
    return {
        "object": "batch", "id": BATCH, "status": "completed" if done else "running",
        "done": done, "request_counts": {"total": sum(full.values()), **full},
        "created_at": iso(datetime.now(UTC)), "finished_at": None,
        "eta_seconds": None if done else 42, "cost_usd": 0.0031 if done else None,
        "metadata": {}, "urls": {},
    }  # fmt: skip


#: Noon in UTC, as a server tells it.
NOON = "2026-11-29T12:00:00.000Z"


def checked(
    rows: int,
    first: Sequence[Mapping[str, Any]] = (),
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    fault_count: int | None = None,
) -> Answer:
    """What the check of a file of `rows` rows answers."""
    count = len(errors) if fault_count is None else fault_count
    body = {"object": "file_check", "rows": rows, "fault_count": count, "detail": "So it is."}
    cost = {"cost_usd": None if count else 0.0123, "ready_by": None if count else NOON}
    return Answer({**body, **cost, "errors": list(errors), "first": list(first)})


def results(*written: str, failed: str = "", queued: str = "") -> Answer:
    """The rows of a batch as JSON lines: those `written`, then one that failed, one that waits."""
    rows = [(prompt, "succeeded") for prompt in written]
    rows += [
        (prompt, status) for prompt, status in ((failed, "failed"), (queued, "queued")) if prompt
    ]
    lines = [
        {
            "custom_id": str(number), "line": number, "id": JOB, "status": status, "prompt": prompt,
            "output": {"title": f"Song of {prompt}"} if status == "succeeded" else None,
            "error": {"detail": "It got lost."} if status == "failed" else None,
        }
        for number, (prompt, status) in enumerate(rows, start=1)
    ]  # fmt: skip
    return Answer("".join(f"{json.dumps(line)}\n" for line in lines))


def timeline(start: datetime) -> list[dict[str, Any]]:
    """The events of a cold start: claimed, model loaded, writing."""
    return [
        event(start, 0, "queued"),
        event(start, 0.4, "claimed", "loading_model"),
        event(start, 2.3, "writing"),
    ]


def event(start: datetime, after_s: float, name: str, detail: str = "") -> dict[str, Any]:
    """One entry of a timeline."""
    at = iso(start + timedelta(seconds=after_s))
    return {"at": at, "event": name, "attempt": 1, "detail": detail}


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


class PageApi:
    """Answers for the routes of the API; the last answer given for a route is repeated."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        efforts = {"quick": 3.0, "normal": 7.5, "best": 12.0}
        waits = {"cold": 6.0, "warm": 3.0, "efforts": efforts}
        status = {"worker": "warm", "queue_depth": 0, "expected_wait_seconds": waits, "model": "m"}
        self.on("GET", "/v1/status", Answer(status))
        self.on("POST", "/v1/warmup", Answer({}, 202))

    def on(self, method: str, path: str, *replies: Reply) -> None:
        """Answer `method path` with these replies, one after the other."""
        self._replies[method, path] = list(replies)

    def job(self, *replies: Reply | dict[str, Any]) -> None:
        """Answer the job's own URL; a plain dict is a 200 with this job."""
        self.on("GET", f"/v1/jobs/{JOB}", *[fine(reply) for reply in replies])

    def accepts(self, body: dict[str, Any]) -> None:
        """Answer submissions with this job, and reads of it too where a test says nothing else."""
        self.on("POST", "/v1/jobs", Answer(body, 202, {"Retry-After": "1"}))
        self._replies.setdefault(("GET", f"/v1/jobs/{body['id']}"), [fine(body)])

    def asked(self, method: str, path: str) -> list[Request]:
        """The requests seen so far for one route."""
        return [
            request
            for request in self.seen
            if request.method == method and urlsplit(request.url).path == path
        ]

    def install(self, at: BrowserContext | Page) -> "PageApi":
        """Stand between this browser context, or page, and the network."""
        at.route("**/v1/**", self._answer)
        return self

    def _answer(self, route: Route) -> None:
        request = route.request
        self.seen.append(request)
        path = urlsplit(request.url).path
        replies = self._replies.get((request.method, path))
        if not replies:
            reply: Reply = problem(404, "not-found", "There is nothing here.")
        else:
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        answer = reply if isinstance(reply, Answer) else reply(request)
        if answer.aborted:
            route.abort()
            return
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        body = "" if answer.body is None else body
        route.fulfill(status=answer.status, headers={**headers, **answer.headers}, body=body)


def fine(reply: Reply | dict[str, Any]) -> Reply:
    """A plain dict as a 200 with an ETag; an unfinished job asks to be read again in a second."""
    if not isinstance(reply, dict):
        return reply
    later = {} if reply["done"] else {"Retry-After": "1"}
    return Answer(reply, 200, {"ETag": f'"{abs(hash(json.dumps(reply)))}"', **later})


#: The page with a mocked API, opened at an address.
Opener = Callable[..., tuple[Page, PageApi]]


@pytest.fixture
def open_page(new_context: Callable[..., BrowserContext]) -> Iterator[Opener]:
    """Opens the page on a played API. At the end no console may have had an error."""
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A refusal that the test injected is an error for the console, but not of the page.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            errors.append(message.text)

    def opener(
        address: str = "/",
        serve: Callable[[PageApi], None] = lambda _api: None,
        context: BrowserContext | None = None,
        **options: Any,
    ) -> tuple[Page, PageApi]:
        api = PageApi()
        serve(api)
        at = context or new_context(**options)
        page = at.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: errors.append(str(error)))
        api.install(page)
        page.goto(address)
        # Its words come after `load`, and with them what hears a click.
        page.wait_for_selector(":root:not(:has(main[hidden]))", state="attached")
        return page, api

    yield opener
    assert errors == []
