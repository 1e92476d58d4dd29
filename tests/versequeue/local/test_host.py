"""What `up` takes upon itself, and what it leaves off where others can reach it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from versequeue.config import Settings
from versequeue.local.host import UpOptions, embedded_environ, wait_for_signal
from versequeue.stopping import StopFlag


def settings_of(tmp_path: Path, host: str, **environ: str) -> Settings:
    options = UpOptions(host=host, data_dir=tmp_path)
    given = {f"VERSEQUEUE_{name}": value for name, value in environ.items()}
    return Settings.from_environ(embedded_environ(options, given))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_on_loopback_webhooks_may_go_to_private_places_and_only_our_names_are_answered_to(
    tmp_path: Path, host: str
) -> None:
    settings = settings_of(tmp_path, host)
    assert settings.webhook_allow_private
    assert {"localhost", "127.0.0.1", "::1", host} == set(settings.hosts)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "songs.example"])
def test_where_others_can_reach_it_webhooks_go_to_public_addresses_only(
    tmp_path: Path, host: str
) -> None:
    settings = settings_of(tmp_path, host)
    assert not settings.webhook_allow_private
    assert settings.hosts == ()


def test_behind_a_proxy_loopback_is_public(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "127.0.0.1", TRUSTED_PROXIES="1")
    assert not settings.webhook_allow_private
    assert settings.hosts == ()


def test_what_the_owner_has_chosen_stays(tmp_path: Path) -> None:
    chosen = {"WEBHOOK_ALLOW_PRIVATE": "1", "HOSTS": "songs.example", "WAITERS": "2"}
    settings = settings_of(tmp_path, "0.0.0.0", **chosen)
    assert settings.webhook_allow_private
    assert (settings.hosts, settings.waiters) == (("songs.example",), 2)


@pytest.mark.parametrize(("threads", "waiters"), [("24", 8), ("4", 1), ("2", 0)])
def test_a_function_lets_a_third_of_its_threads_wait(threads: str, waiters: int) -> None:
    assert Settings.from_environ({"THREADS": threads}).waiters == waiters


def test_a_signal_that_comes_when_python_has_all_but_ended_does_not_kill_it() -> None:
    code = (
        "import os, signal\n"
        "from versequeue.local.host import hear_signals\n"
        "class Late:\n"
        "    def __del__(self, kill=os.kill, me=os.getpid(), number=signal.SIGTERM):\n"
        "        kill(me, number)\n"
        "late = Late()\n"
        "hear_signals()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0


def test_whoever_ends_it_is_told_that_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    flag = StopFlag()
    flag.handle(2, None)
    wait_for_signal(flag)
    assert capsys.readouterr().err == (
        "Stopping. What is not written yet is kept, and goes on at the next start.\n"
    )
