"""Jobs of a model that writes no songs: their options and outputs are carried as they are."""

from typing import Any

import pytest

from tests.support.api import ApiUnderTest, is_problem, make_api
from versequeue.api.openapi import document
from versequeue.config import Settings
from versequeue.intake.options_body import MAX_NUMBER
from versequeue.intake.texts import MAX_METADATA_CHARACTERS
from versequeue.rules.job import Metrics, Stage

OWN: dict[str, Any] = {"guesses": 3, "scale": 0.5, "whose": "mine", "strict": True}


@pytest.fixture
def other() -> ApiUnderTest:
    return make_api(Settings(hash_key="test", own_options=True))


def test_they_are_handed_to_the_model_and_shown_as_they_were_asked_for(other: ApiUnderTest) -> None:
    job_id = other.submit("a drawing", options=OWN)
    attempt = other.worker_side.claim(job_id, Stage.WRITING)
    assert attempt
    assert attempt.job.own_options == OWN
    job = other.client.get(f"/v1/jobs/{job_id}").get_json()
    assert job["options"] == OWN
    assert job["progress"]["total"] == 1


def test_the_fields_of_a_form_are_options_as_text(other: ApiUnderTest) -> None:
    form = {"prompt": "a drawing", "guesses": "3"}
    assert other.client.post("/v1/jobs", data=form).get_json()["options"] == {"guesses": "3"}
    assert (
        other.client.post("/v1/jobs", data="plain", content_type="text/plain").get_json()["options"]
        == {}
    )


@pytest.mark.parametrize(
    "value",
    [None, [1], {"a": 1}, "x" * (MAX_METADATA_CHARACTERS + 1), "a\x00b", MAX_NUMBER + 1, 1e300],
)
def test_an_option_that_is_not_plain_is_refused(other: ApiUnderTest, value: Any) -> None:
    is_problem(other.post_job({"prompt": "a", "options": {"x": value}}), 422, "validation")
    assert other.store.count_queued() == 0


def test_there_are_at_most_sixteen_with_short_names(other: ApiUnderTest) -> None:
    many = {f"option {number}": 1 for number in range(17)}
    for options in (many, {"n" * 65: 1}, {"": 1}):
        is_problem(other.post_job({"prompt": "a", "options": options}), 422, "validation")


def test_a_form_without_a_prompt_is_refused(other: ApiUnderTest) -> None:
    is_problem(other.client.post("/v1/jobs", data={"guesses": "3"}), 422, "validation")


def test_an_output_without_sections_is_shown_as_the_model_made_it(other: ApiUnderTest) -> None:
    made = {"lyrics": "7\n8", "guesses": [{"digit": 7, "likelihood": 0.9}]}
    job_id = other.submit("a drawing")
    attempt = other.worker_side.claim(job_id, Stage.WRITING)
    assert attempt
    attempt.succeed(made, Metrics())
    job = other.client.get(f"/v1/jobs/{job_id}").get_json()
    assert job["output"] == made
    assert job["preview"] == "7\n8"
    assert other.client.get(f"/v1/jobs/{job_id}/lyrics").text == "7\n8\n"


def test_where_songs_are_written_they_are_unknown(app: ApiUnderTest) -> None:
    is_problem(app.post_job({"prompt": "a", "options": {"guesses": 3}}), 422, "validation")


def test_the_description_says_which_options_are_taken() -> None:
    songs = document(Settings())["components"]["schemas"]["OptionsBody"]
    own = document(Settings(own_options=True))["components"]["schemas"]["OptionsBody"]
    assert "rhyme_scheme" in songs["properties"]
    assert own["maxProperties"] == 16
    assert "properties" not in own
