"""The rhymes of a word and the stresses of lines over HTTP: bounded, kept by the caller, without
the store."""

import pytest

from tests.support.api import ApiUnderTest, is_problem, make_api
from tests.support.memory import MemoryStore


def test_the_rhymes_of_a_word_come_with_their_syllables_and_are_kept_for_a_day() -> None:
    client = make_api().client
    answer = client.get("/v1/rhymes/Rain")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "object": "rhymes",
        "word": "rain",
        "syllables": 1,
        "perfect": [{"word": "again", "syllables": 2}, {"word": "train", "syllables": 1}],
        "slant": [{"word": "name", "syllables": 1}],
    }
    assert answer.headers["Cache-Control"] == "private, max-age=86400"
    again = client.get("/v1/rhymes/rain", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_word_that_is_not_known_is_a_404_with_the_nearest_spellings() -> None:
    document = is_problem(make_api().client.get("/v1/rhymes/rayn"), 404, "not-found")
    assert document["detail"] == "How this word sounds is not known. Did you mean rain or ran?"
    assert [each["detail"] for each in document["errors"]] == ["rain", "ran"]
    document = is_problem(make_api().client.get("/v1/rhymes/%F0%9F%98%80"), 404, "not-found")
    assert "errors" not in document


def test_lines_are_told_word_by_word_with_a_sign_for_each_syllable() -> None:
    answer = make_api().client.get("/v1/meter", query_string={"text": "to be\n\nor"})
    assert answer.get_json() == {
        "object": "meter",
        "lines": [
            {
                "syllables": 4,
                "words": [{"word": "to", "stresses": "//"}, {"word": "be", "stresses": "//"}],
            },
            {"syllables": 0, "words": []},
            {"syllables": 2, "words": [{"word": "or", "stresses": "//"}]},
        ],
    }
    assert answer.headers["Cache-Control"] == "private, max-age=86400"


@pytest.mark.parametrize("text", ["", " \n ", "a\n" * 65, "a" * 4001])
def test_no_lines_too_many_and_too_long_ones_are_refused(text: str) -> None:
    answer = make_api().client.get("/v1/meter", query_string={"text": text})
    document = is_problem(answer, 422, "validation")
    assert document["errors"][0]["pointer"] == "/query/text"
    assert "1 to 64 lines" in document["errors"][0]["detail"]


def test_rhymes_are_known_where_the_store_is_away(app: ApiUnderTest) -> None:
    class Away(MemoryStore):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"the store's {name} is asked for")

    api = make_api(store=Away.__new__(Away))
    assert api.client.get("/v1/rhymes/rain").status_code == 200
