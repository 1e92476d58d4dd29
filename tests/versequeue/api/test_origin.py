"""Where a request comes from: whose it counts as, which page may ask, which host it names."""

from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest, api_on_disk, is_problem
from versequeue.api.origin import network_of
from versequeue.config import PAGE_SECRET_HEADER, Settings
from versequeue.errors import StartupError

SECRET = "a secret of sixteen".replace(" ", "-")
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("written", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:51234 ", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:0DB8:1:2::1]:443", "2001:db8:1:2::/64"),
        ('"[2001:db8:1:2::9]"', "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", ""),
        ("", ""),
        ("010.0.0.1", ""),
    ],
)
def test_one_caller_is_one_network_in_one_spelling(written: str, network: str) -> None:
    assert network_of(written) == network


def statuses(app: ApiUnderTest, *headers: dict[str, str]) -> list[int]:
    return [app.post_job({"prompt": "x"}, headers=each).status_code for each in headers]


def test_no_port_and_no_other_address_of_a_home_makes_a_new_caller(tmp_path: Path) -> None:
    app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, rate_per_minute=1, trusted_proxies=1))
    v4 = [{"X-Forwarded-For": f"203.0.113.9:{port}"} for port in (1, 2)]
    v6 = [{"X-Forwarded-For": f"2001:db8::{host}"} for host in (1, 2)]
    assert statuses(app, *v4, *v6) == [202, 429, 202, 429]
    assert statuses(app, {"X-Forwarded-For": "2001:db8:0:1::1"}) == [202]


def test_the_pages_host_names_the_caller_and_nobody_else_can(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, rate_per_minute=1, trusted_proxies=1, page_secret=SECRET)
    app = api_on_disk(tmp_path, settings)

    def by_netlify(caller: str, secret: str, proxy: str) -> dict[str, str]:
        named = {"X-Nf-Client-Connection-Ip": caller, "X-Forwarded-For": f"{caller}, {proxy}"}
        return {**named, PAGE_SECRET_HEADER: secret}

    passed_on = [by_netlify(f"203.0.113.{n}", SECRET, "198.51.100.1") for n in (1, 2, 2)]
    assert statuses(app, *passed_on) == [202, 202, 429]
    forged = [by_netlify(f"203.0.113.{n}", "guessed", "192.0.2.7") for n in (3, 4, 5)]
    assert statuses(app, *forged) == [202, 429, 429]


def test_a_secret_that_is_too_short_is_not_taken_and_not_shown() -> None:
    with pytest.raises(StartupError, match="PAGE_SECRET") as caught:
        Settings.from_environ({"VERSEQUEUE_PAGE_SECRET": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://[::1"},
        {"Origin": "null", "Host": ""},
        {"Origin": "http://[::1", "Host": ""},
    ],
)
@pytest.mark.parametrize("content_type", ["text/plain", FORM, "application/json"])
def test_no_page_of_another_origin_can_ask_for_a_song(
    app: ApiUnderTest, headers: dict[str, str], content_type: str
) -> None:
    body = {"application/json": b'{"prompt": "x"}', FORM: b"prompt=x"}.get(content_type, b"x")
    for path in ("/v1/jobs", "/v1/warmup"):
        answer = app.client.post(path, data=body, content_type=content_type, headers=headers)
        is_problem(answer, 403, "cross-origin")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost:8080", "Host": "localhost:8080"},
        {"Origin": "https://songs.example", "Host": "songs.example"},
        {"Origin": "https://songs.example", "Host": "songs.example:443"},
        {"Origin": "https://page.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_our_own_page_and_programs_can(app: ApiUnderTest, headers: dict[str, str]) -> None:
    assert app.post_job({"prompt": "x"}, headers=headers).status_code == 202


def test_a_page_that_the_owner_names_can(tmp_path: Path) -> None:
    app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, cors_origins=("https://a.example",)))
    headers = {"Origin": "https://a.example", "Sec-Fetch-Site": "cross-site"}
    assert app.post_job({"prompt": "x"}, headers=headers).status_code == 202


def test_a_name_that_is_not_ours_is_not_answered_to(tmp_path: Path) -> None:
    settings = Settings.from_environ({"VERSEQUEUE_HOSTS": "localhost 127.0.0.1 [::1]"})
    app = api_on_disk(tmp_path, settings)
    for host in ("evil.example:8080", "127.0.0.1.evil.example", "192.168.1.1", ""):
        headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
        is_problem(app.client.get("/v1/status", headers=headers), 421, "wrong-host")
        is_problem(app.post_job({"prompt": "x"}, headers=headers), 421, "wrong-host")
        assert app.client.get("/", headers=headers).status_code == 421, "the page neither"
    for host in ("localhost", "LOCALHOST.:8080", "127.0.0.1:8080", "[::1]:8080"):
        assert app.client.get("/v1/status", headers={"Host": host}).status_code == 200
        assert app.client.get("/", headers={"Host": host}).status_code == 200
