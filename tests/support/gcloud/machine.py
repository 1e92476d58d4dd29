"""Somebody's machine from which `make deploy` and `make destroy` run against a cloud in memory."""

from pathlib import Path
from typing import Any

import pytest

from deploy.__main__ import main
from deploy.gcloud import Answer
from deploy.smoke import Fetched, SmokeFailed
from tests.support.gcloud import visitors
from tests.support.gcloud.answers import answer
from tests.support.gcloud.cloud import Cloud


class Machine:
    """Runs the deployment's program; time passes in the cloud only."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is staged: the cloud does not look into what is uploaded."""
        self.cloud = Cloud()
        monkeypatch.setattr("deploy.stage.stage_all", lambda *_, **__: ())
        monkeypatch.setattr("deploy.smoke.fetch", self._fetch)
        monkeypatch.setattr("deploy.__main__.WEB", folder)
        monkeypatch.setattr("deploy.__main__.BUILD", folder / "build")

    def deploy(self, *arguments: str) -> int:
        """The exit status of `make deploy`. Raises Died."""
        return self._run("apply", *arguments)

    def check(self, *arguments: str) -> int:
        """The exit status of what `make deploy` asks first. Raises Died."""
        return self._run("check", *arguments)

    def destroy(self, *arguments: str) -> int:
        """The exit status of `make destroy`. Raises Died."""
        return self._run("destroy", f"--confirm={self.cloud.project}", *arguments)

    def gcloud(self, command: str) -> Answer:
        """The answer to a command that somebody types."""
        return answer(self.cloud, tuple(command.split()))

    def mend(self) -> None:
        """Nothing is in the way any more."""
        self.cloud.lost_before = self.cloud.lost_after = self.cloud.dies_at = 0
        self.cloud.stays_lost = False

    def _run(self, action: str, *arguments: str) -> int:
        where = (f"--project={self.cloud.project}", f"--region={self.cloud.region}")
        return main(
            [action, *where, *arguments],
            lambda command, stdin: answer(self.cloud, command, stdin),
            self._sleep,
            lambda: self.cloud.now_s,
        )

    def _sleep(self, seconds: float) -> None:
        self.cloud.now_s += seconds

    def _fetch(self, url: str, body: dict[str, Any] | None = None) -> Fetched:
        if self.cloud.is_offline:
            raise SmokeFailed(f"{url} cannot be reached: no network")
        return visitors.fetch(self.cloud, url, body)
