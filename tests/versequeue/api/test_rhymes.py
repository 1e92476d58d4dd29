"""The rhymes of a word over HTTP: bounded, kept by the caller, without the store."""

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


def test_rhymes_are_known_where_the_store_is_away(app: ApiUnderTest) -> None:
    class Away(MemoryStore):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"the store's {name} is asked for")

    api = make_api(store=Away.__new__(Away))
    assert api.client.get("/v1/rhymes/rain").status_code == 200
