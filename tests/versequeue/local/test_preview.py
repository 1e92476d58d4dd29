"""What a shared link says of a song before any script runs."""

import pytest

from tests.support.api import ApiUnderTest, make_api
from versequeue.config import Settings

PLAIN = 'property="og:title" content="VerseQueue: lyrics from a few words"'


def page_of(app: ApiUnderTest, address: str) -> str:
    answer = app.client.get(address, headers={"Prefer": "wait=20", "Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(len(answer.data))
    return answer.text


def test_a_link_to_a_song_shows_its_title_and_first_lines() -> None:
    app = make_api()
    job_id = app.submit("rain")
    assert PLAIN in page_of(app, f"/?job={job_id}"), "nothing is written yet, or waited for"
    app.write(job_id, ('Said "<so>"', "& went \\1", "three"))
    text = page_of(app, f"/?job={job_id}&lang=de")
    assert 'property="og:title" content="T"' in text
    shown = "Said &quot;&lt;so&gt;&quot; / &amp; went \\1"
    assert f'property="og:description" content="{shown}"' in text
    assert PLAIN in page_of(app, "/")
    assert text.count("<meta") == page_of(app, "/").count("<meta")


@pytest.mark.parametrize("job_id", ["job_" + "0" * 32, "job_", "../x", "%00", "job_a%22%3E", ""])
def test_a_link_that_leads_nowhere_shows_the_page_alone(job_id: str) -> None:
    assert PLAIN in page_of(make_api(), f"/?job={job_id}")


def test_where_keys_are_asked_for_a_link_shows_nothing_of_the_song() -> None:
    app = make_api(Settings(hash_key="test", api_keys=("secret",)))
    answer = app.client.post("/v1/jobs", json={"prompt": "rain"}, headers={"X-Api-Key": "secret"})
    job_id = answer.get_json()["id"]
    app.write(job_id)
    assert PLAIN in page_of(app, f"/?job={job_id}")
