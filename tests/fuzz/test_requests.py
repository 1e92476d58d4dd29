"""Requests to the API in every form: an answer or a problem, never a 500, always soon."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.fuzz.cases import fuzz
from tests.fuzz.made_up import damaged, texts, values
from tests.support.api import make_api
from versequeue.config import Settings
from versequeue.rules.options import OPTION_NAMES

JOB = json.dumps(
    {
        "prompt": "rain",
        "options": {"lines": 8, "temperature": 0.5, "seed": 7, "mood": "sad", "explicit": False},
        "metadata": {"a": "b"},
        "webhook": {"url": "https://example.com/x", "events": ["job.succeeded"]},
    }
).encode()
JSONL = b'{"prompt": "rain", "custom_id": "a", "options": {"lines": 8}}\n{"prompt": "sun"}\n'
CSV = b'prompt,custom_id,lines\n"rain, ""rain""",a,8\nsun;,b,\n'
FORM = b"prompt=rain&lines=8&explicit=on&mood=%C3%A9&seed=7&temperature=0.5"
BOUNDARY = "multipart/form-data; boundary=x"
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="lines"\r\n\r\n8\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\nprompt\nrain\n\r\n--x--\r\n"
)
#: What may stand in a header: latin-1 without line ends, of any length that a server lets in.
header_texts = st.one_of(
    texts.map(
        lambda text: "".join(c for c in text if c not in "\r\n\0").encode("latin-1", "replace")
    ).map(lambda data: data.decode("latin-1")),
    st.builds(
        lambda piece, count: piece * count,
        st.sampled_from(
            ('"', "W/", '"a", ', ",", " ", ";", "=", "wait=", "a=b;", "1.2.3.4, ", "\\")
        ),
        st.integers(0, 20_000),
    ),
)


def sent(path: str, body: bytes = b"", kind: str = "", **headers: str) -> TestResponse:
    """The answer to a POST with these headers in the words of WSGI, at a server of its own."""
    settings = Settings(hash_key="test", trusted_proxies=1)
    client = make_api(settings).client
    answer = client.post(path, data=body, content_type=kind, environ_overrides=headers)
    return judged(answer)


def judged(answer: TestResponse) -> TestResponse:
    """`answer`, which is one of ours: with a body in the form that it names."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
    if "json" in (answer.content_type or ""):
        json.loads(answer.data)
    return answer


@fuzz(body=damaged(JOB))
def test_a_job_in_damaged_json(body: bytes) -> None:
    sent("/v1/jobs", body, "application/json")


@fuzz(value=values, options=st.dictionaries(st.sampled_from(OPTION_NAMES), values, max_size=4))
def test_a_job_with_any_values(value: Any, options: dict[str, Any]) -> None:
    for document in (
        value,
        {"prompt": value},
        {"prompt": "x", "options": options, "metadata": value},
    ):
        sent("/v1/jobs", json.dumps(document).encode(), "application/json")
    sent("/v1/jobs", json.dumps({"prompt": "x", "webhook": value}).encode(), "application/json")


@fuzz(prompt=texts, url=texts)
def test_a_job_with_any_text(prompt: str, url: str) -> None:
    sent("/v1/jobs", prompt.encode(errors="surrogatepass"), "text/plain")
    sent("/v1/jobs", json.dumps({"prompt": prompt}).encode(), "application/json")
    hook = {"prompt": "x", "webhook": {"url": f"https://{url}/"}}
    sent("/v1/jobs", json.dumps(hook).encode(), "application/json")


@fuzz(body=damaged(FORM, FORM.replace(b"=", b"=%")))
def test_a_job_in_a_damaged_form(body: bytes) -> None:
    sent("/v1/jobs", body, "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("kind", "whole"), [("application/jsonl", JSONL), ("text/csv", CSV), ("text/plain", CSV)]
)
@fuzz(data=st.data())
def test_a_damaged_prompt_file(kind: str, whole: bytes, data: st.DataObject) -> None:
    sent("/v1/batches", data.draw(damaged(whole, whole * 3)), kind)


@fuzz(row=values, rows=st.lists(texts, max_size=4))
def test_a_prompt_file_of_any_values(row: Any, rows: list[str]) -> None:
    lines = [row, {"prompt": "x", "options": row}, {"prompt": "x", "custom_id": row}]
    for line in lines:
        sent("/v1/batches", json.dumps(line).encode(), "application/jsonl")
    text = "\n".join(["prompt,mood", *rows]).encode(errors="surrogatepass")
    sent("/v1/batches", text, "text/csv")


# The parser leaves a file that it was reading when it gave up to the interpreter to close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@fuzz(body=damaged(MULTIPART), more=header_texts)
def test_a_damaged_upload(body: bytes, more: str) -> None:
    sent("/v1/batches", body, BOUNDARY)
    sent("/v1/batches", MULTIPART, f"{BOUNDARY}{more}")
    sent("/v1/batches", body, f"multipart/form-data;{more}")


@fuzz(fields=st.dictionaries(st.sampled_from(("metadata", "webhook_url", "lines", "é")), texts))
def test_a_batch_with_any_query(fields: dict[str, str]) -> None:
    client = make_api().client
    named = {name: text.encode("utf-8", "replace").decode() for name, text in fields.items()}
    judged(client.post("/v1/batches", data=b"rain", content_type="text/plain", query_string=named))


@fuzz(text=header_texts)
def test_a_request_with_any_headers(text: str) -> None:
    names = (
        "IDEMPOTENCY_KEY",
        "X_FORWARDED_FOR",
        "PREFER",
        "ORIGIN",
        "X_API_KEY",
        "COOKIE",
        "RANGE",
    )
    for name in names:
        sent("/v1/jobs", JOB, "application/json", **{f"HTTP_{name}": text})
    sent("/v1/jobs", JOB, text)
    sent("/v1/jobs", JOB, f"application/json; charset={text}")


@fuzz(text=header_texts, path=texts)
def test_a_look_with_any_conditions_and_any_path(text: str, path: str) -> None:
    api = make_api()
    job_id = api.submit()
    seen = {"HTTP_IF_NONE_MATCH": text, "HTTP_PREFER": text, "HTTP_ACCEPT": text}
    # A wait goes by the manual clock.
    judged(api.client.get(f"/v1/jobs/{job_id}", environ_overrides=seen))
    readable = path.encode("utf-8", "replace").decode("latin-1")  # as WSGI writes it
    for where in (f"/v1/jobs/{readable}", f"/v1/batches/{readable}/results", f"/{readable}"):
        judged_or_page(api.client.get("/", environ_overrides={"PATH_INFO": where}))


def judged_or_page(answer: TestResponse) -> None:
    """The page's own files are served by other rules, but never with a 500 either."""
    assert answer.status_code < 500, answer.text
