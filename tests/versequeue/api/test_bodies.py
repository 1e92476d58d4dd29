"""Bodies of requests: what is not valid is refused by name before anything is queued."""

import json
from io import BytesIO
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, is_problem, pointers
from tests.support.cpu_limit import cpu_limit
from versequeue.errors import MOST_ERRORS
from versequeue.ports.queue import Topic

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, ["/prompt"]),
        ({"prompt": 5}, ["/prompt"]),
        ({"prompt": ""}, ["/prompt"]),
        ({"prompt": " \n "}, ["/prompt"]),
        ({"prompt": "x" * 501}, ["/prompt"]),
        ({"prompt": "a\x00b"}, ["/prompt"]),
        ({"prompt": "a\nb"}, ["/prompt"]),
        ({"prompt": "x", "promt": 1}, ["/promt"]),
        ({"prompt": "x", "options": []}, ["/options"]),
        ({"prompt": "x", "options": {"lines": 3}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"lines": 65}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"lines": "8"}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"lines": True}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"temperature": 1.6}}, ["/options/temperature"]),
        ({"prompt": "x", "options": {"top_p": -0.1}}, ["/options/top_p"]),
        ({"prompt": "x", "options": {"seed": 2**32}}, ["/options/seed"]),
        ({"prompt": "x", "options": {"style": "polka"}}, ["/options/style"]),
        ({"prompt": "x", "options": {"mood": "m" * 41}}, ["/options/mood"]),
        ({"prompt": "x", "options": {"rhyme_scheme": "aabb"}}, ["/options/rhyme_scheme"]),
        ({"prompt": "x", "options": {"explicit": "yes"}}, ["/options/explicit"]),
        ({"prompt": "x", "options": {"lines": 4.5}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"top_p": "0.5"}}, ["/options/top_p"]),
        ({"prompt": "x", "metadata": {"a": 1}}, ["/metadata/a"]),
        ({"prompt": "x", "metadata": {str(n): "" for n in range(17)}}, ["/metadata"]),
        ({"prompt": "x", "metadata": {"": "a"}}, ["/metadata/"]),
        ({"prompt": "x", "webhook": {"url": "http://a", "events": "all"}}, ["/webhook/events"]),
        ({"prompt": "x", "webhook": {}}, ["/webhook/url"]),
        ([], [""]),
        ("text", [""]),
        (5, [""]),
    ],
)
def test_what_is_not_valid_is_refused_by_name_before_anything_is_queued(
    app: ApiUnderTest, body: Any, at: list[str]
) -> None:
    document = is_problem(app.post_job(body), 422, "validation")
    assert pointers(document) == at
    said = " ".join(fault["detail"] for fault in document["errors"])
    assert not {"Input", "String", "Dictionary", "Value"} & {*said.split()}, "a library's words"
    assert app.queue.depth(Topic.JOBS) == 0
    assert app.store.count_queued() == 0


@pytest.mark.parametrize(
    "body",
    [
        rb'{"prompt": "\ud800"}',
        rb'{"prompt": "x", "metadata": {"\ud800": "a"}}',
        rb'{"prompt": "x", "metadata": {"a": "\ud800"}}',
        rb'{"prompt": "x", "webhook": {"url": "https://\ud800.example/"}}',
        rb'{"prompt": "x", "options": {"mood": "\ud800"}}',
        rb'{"prompt": "x", "\ud800": 1}',
    ],
)
def test_half_a_character_is_refused_wherever_it_stands(app: ApiUnderTest, body: bytes) -> None:
    answer = app.client.post("/v1/jobs", data=body, content_type=JSON)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("name", ["prompt", "mood"])
def test_combining_marks_without_end_are_refused_at_once(app: ApiUnderTest, name: str) -> None:
    marks = "a" + "\u0300\u0327" * 16_000
    body = {"prompt": marks} if name == "prompt" else {"prompt": "x", "options": {"mood": marks}}
    data = json.dumps(body, ensure_ascii=False).encode()
    with cpu_limit(0.1):
        answer = app.client.post("/v1/jobs", data=data, content_type=JSON)
    assert pointers(is_problem(answer, 422, "validation"))[0].endswith(name)


def test_a_prompt_has_its_length_once_its_marks_are_composed(app: ApiUnderTest) -> None:
    longest = "\u03b1\u0313\u0300\u0345" * 500
    answer = app.post_job({"prompt": longest})
    assert answer.status_code == 202
    assert answer.get_json()["prompt"] == "\u1f82" * 500


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"prompt": "rain", "prompt": "sun"}', "prompt"),
        (b'{"prompt": "rain", "options": {"lines": 4, "lines": 8}}', "lines"),
        (b'{"prompt": "rain", "metadata": {"a": "1", "a": "2"}}', "a"),
    ],
)
def test_a_name_that_stands_twice_in_an_object_is_refused(
    app: ApiUnderTest, body: bytes, name: str
) -> None:
    answer = app.client.post("/v1/jobs", data=body, content_type=JSON)
    said = is_problem(answer, 400, "invalid-json")["detail"]
    assert said == f"In the body “{name}” is there twice."
    assert app.store.count_queued() == 0


def test_a_field_that_stands_twice_in_a_form_or_a_query_is_refused(app: ApiUnderTest) -> None:
    post, plain = app.client.post, {"content_type": "text/plain"}
    form = "application/x-www-form-urlencoded"
    answer = post("/v1/jobs", data="prompt=rain&lines=4&lines=8", content_type=form)
    assert pointers(is_problem(answer, 422, "validation")) == ["/lines"]
    answer = post("/v1/batches?lines=4&a~/b=1&lines=8&a~/b=1", data="rain", **plain)
    assert pointers(is_problem(answer, 422, "validation")) == ["/query/lines", "/query/a~0~1b"]
    twice = {"file": (BytesIO(b"rain"), "a.txt"), "lines": ["4", "8"]}
    assert pointers(is_problem(post("/v1/batches", data=twice), 422, "validation")) == ["/lines"]
    files = {"file": [(BytesIO(b"rain"), "a.txt"), (BytesIO(b"sun"), "b.txt")]}
    assert pointers(is_problem(post("/v1/batches", data=files), 422, "validation")) == ["/file"]
    assert app.store.count_queued() == 0


def test_of_thousands_of_faults_the_first_are_named(app: ApiUnderTest) -> None:
    many = {f"{number:x}": 1 for number in range(3000)}
    query = "&".join(f"{name}=1" for name in many)
    answers = [
        app.post_job({"prompt": "rain", **many}),
        app.client.post(f"/v1/jobs?{query}", data="rain", content_type="text/plain"),
    ]
    answers += [
        app.client.post("/v1/jobs", data=body, content_type="application/x-www-form-urlencoded")
        for body in (f"prompt=rain&{query}", f"{query[:20_000]}&{query[:20_000]}")
    ]
    for answer in answers:
        assert len(is_problem(answer, 422, "validation")["errors"]) == MOST_ERRORS


def test_what_the_query_of_a_song_holds_is_not_lost_in_silence(app: ApiUnderTest) -> None:
    answer = app.client.post("/v1/jobs?lines=8", data="rain", content_type="text/plain")
    assert pointers(is_problem(answer, 422, "validation")) == ["/query/lines"]
    assert app.store.count_queued() == 0


@pytest.mark.parametrize("digits", [309, 400, 4000])
@pytest.mark.parametrize("name", ["temperature", "top_p", "lines", "seed"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_beyond_every_float_is_out_of_bounds(
    app: ApiUnderTest, name: str, digits: int, sign: str
) -> None:
    number = sign + "9" * digits
    body = f'{{"prompt": "x", "options": {{"{name}": {number}}}}}'.encode()
    answer = app.client.post("/v1/jobs", data=body, content_type=JSON)
    assert pointers(is_problem(answer, 422, "validation")) == [f"/options/{name}"]
    row = f'{{"prompt": "x", "options": {{"{name}": {number}}}}}\n'.encode()
    answer = app.client.post("/v1/batches", data=row, content_type="application/jsonl")
    assert name in is_problem(answer, 422, "batch-invalid")["errors"][0]["detail"]


@pytest.mark.parametrize(
    "row",
    [
        rb'{"prompt": "x", "\ud800": 1}',
        rb'{"prompt": "x", "\ud800": 1, "\ud800": 2}',
        rb'{"prompt": "\ud800"}',
        rb'{"prompt": "x", "custom_id": "\ud800"}',
        rb'{"prompt": "x", "custom_id": "\ud800", "options": 5}',
        rb'{"prompt": "x", "options": {"\ud800": 1}}',
        rb'{"prompt": "x", "options": {"style": "\ud800"}}',
        rb'{"prompt": "x", "options": {"mood": "\ud800"}}',
    ],
)
def test_half_a_character_in_a_prompt_file_is_a_fault_of_its_line(
    app: ApiUnderTest, row: bytes
) -> None:
    answer = app.client.post("/v1/batches", data=row, content_type="application/jsonl")
    assert is_problem(answer, 422, "batch-invalid")["errors"][0]["line"] == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [("9" * 5000, "a number in it has more than 4300 digits"), ("[" * 20_000, "nested too deeply")],
    ids=["digits", "depth"],
)
def test_what_no_reader_of_json_takes_is_said_in_words_of_ours(
    app: ApiUnderTest, value: str, said: str
) -> None:
    body = f'{{"prompt": "x", "deadline_s": {value}}}'
    answer = app.client.post("/v1/jobs", data=body, content_type=JSON)
    assert said in is_problem(answer, 400, "invalid-json")["detail"]
    answer = app.client.post("/v1/batches", data=body, content_type="application/jsonl")
    assert said in is_problem(answer, 422, "batch-invalid")["errors"][0]["detail"]


def test_null_is_json_but_not_an_object(app: ApiUnderTest) -> None:
    answer = app.client.post("/v1/jobs", data=b"null", content_type=JSON)
    assert pointers(is_problem(answer, 422, "validation")) == [""]


def test_every_fault_of_a_body_is_named_at_once(app: ApiUnderTest) -> None:
    body = {"prompt": "", "options": {"lines": 1, "extra": 2}}
    document = is_problem(app.post_job(body), 422, "validation")
    assert sorted(pointers(document)) == ["/options/extra", "/options/lines", "/prompt"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b'{"prompt": "x"',
        b'{"prompt": NaN}',
        b'{"prompt": "\xff"}',
        b"[" * 30_000,
        b'{"prompt": ' + b"1" * 5000 + b"}",
    ],
    ids=["empty", "blank", "open", "cut", "NaN", "latin-1", "deep", "digits"],
)
def test_what_is_not_json_is_a_400(app: ApiUnderTest, body: bytes) -> None:
    answer = app.client.post("/v1/jobs", data=body, content_type=JSON)
    is_problem(answer, 400, "invalid-json")


def test_plain_text_that_is_not_utf8_names_the_prompt(app: ApiUnderTest) -> None:
    answer = app.client.post("/v1/jobs", data=b"caf\xe9", content_type="text/plain")
    assert pointers(is_problem(answer, 422, "validation")) == ["/prompt"]


def test_a_form_field_that_is_not_known_is_named(app: ApiUnderTest) -> None:
    answer = app.client.post("/v1/jobs", data={"prompt": "x", "lines": "many", "a": "b"})
    assert sorted(pointers(is_problem(answer, 422, "validation"))) == ["/a", "/lines"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lines": 3}, "This is to be at least 4."),
        ({"seed": 2**32}, "This is to be at most 4294967295."),
        ({"top_p": 1.5}, "This is to be at most 1."),
        ({"effort": "more"}, "This is to be 'quick', 'normal' or 'best'."),
        ({"mood": "m" * 41}, "This has at most 40 characters."),
        ({"lines": "8"}, "This is to be a whole number."),
    ],
)
def test_a_fault_is_told_in_words_of_our_own_with_its_bound(
    app: ApiUnderTest, options: dict[str, Any], sentence: str
) -> None:
    document = is_problem(app.post_job({"prompt": "x", "options": options}), 422, "validation")
    assert [fault["detail"] for fault in document["errors"]] == [sentence]


def test_an_answer_in_json_ends_its_line_for_whoever_reads_it_on_a_terminal(
    app: ApiUnderTest,
) -> None:
    for body in ({"prompt": "x"}, {}):
        assert app.post_job(body).data.endswith(b"}\n")
