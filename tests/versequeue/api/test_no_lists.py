"""A file that is sent as prompts and is plainly none: one sentence refuses it, in a check too."""

import json
from typing import Any

import pytest

from tests.support.api import make_api
from tests.support.batches import upload
from tests.support.paths import ROOT


def fault_of(text: str) -> tuple[int, str, str]:
    """Line, code and detail of the one fault of a text file: a check finds it as an upload does."""
    api = make_api()
    refusal = upload(api, text.encode(), "text/plain")
    assert refusal.status_code == 422
    refused: Any = refusal.get_json()
    checked: Any = api.client.post(
        "/v1/file-checks", data=text.encode(), content_type="text/plain"
    ).get_json()
    assert (checked["errors"], checked["fault_count"]) == (refused["errors"], 1)
    assert checked["detail"] == "One fault was found; nothing was queued."
    (fault,) = refused["errors"]
    return fault["line"], fault["code"], fault["detail"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# My songs\n\nrain\n", 1),
        ("rain\n\n###### deep\n", 3),
        ("\nSee:\n```sh\nmake up\n```\n", 3),
        ("~~~\nrain\n~~~\n", 1),
    ],
)
def test_markdown_is_no_list_of_prompts(text: str, line: int) -> None:
    where, code, detail = fault_of(text)
    assert (where, code) == (line, "no-list")
    assert "Markdown" in detail


def test_our_own_pages_are_no_lists_of_prompts() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        assert fault_of(page.read_text())[1] == "no-list", page


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(["rain", "sun"]),
        json.dumps({"prompts": ["rain"]}, indent=2),
        '\n [\n  "rain",\n  "sun"\n]\n',
        '{"prompt": "rain"}\n{"prompt": "sun"}\n',
        '{"prompt": "rain"}\nsun\n',
    ],
)
def test_json_is_no_list_of_prompts_and_its_own_kind_is_named(text: str) -> None:
    _, code, detail = fault_of(text)
    assert code == "no-list"
    assert "JSON" in detail
    assert ".jsonl" in detail


@pytest.mark.parametrize("text", ["<!DOCTYPE html>\n<p>rain", "<?xml version='1.0'?>\n<a/>"])
def test_a_page_of_markup_is_no_list_of_prompts(text: str) -> None:
    assert fault_of(text)[1] == "no-list"


@pytest.mark.parametrize(
    "prompt",
    [
        "#1 in the charts", "#love", "[sad] rain over the city", "{curly}", "<3 my dog",
        '"rain"', "[", "- rain", "* stars", "1. the first day", "what is `code`?",
    ],
)  # fmt: skip
def test_a_prompt_that_begins_oddly_is_a_prompt(prompt: str) -> None:
    api = make_api()
    answer = upload(api, f"{prompt}\nthe sea\n".encode(), "text/plain")
    assert answer.status_code == 202, answer.get_json()
