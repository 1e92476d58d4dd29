"""Carrying commands out with the gcloud of this machine, and what its answers mean."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from deploy.steps import Command

#: What gcloud says of a thing that is there already, and of one that is not.
EXISTS = ("already exists", "already_exists")
MISSING = ("not_found", "not found", "cannot find", "does not exist", "matched no objects")
#: What it says of an identity, right or service that was made moments ago and has not spread yet,
#: and of a field whose last change is still under way.
NOT_YET = (
    "does not exist",
    "permission_denied",
    "permission denied",
    "not been used in project",
    "aborted",
    "in progress",
    "being updated",
)


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    returncode: int
    stdout: str = ""
    stderr: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.returncode == 0

    def says(self, phrases: tuple[str, ...]) -> bool:
        """Whether the complaint is one of `phrases`."""
        return any(phrase in self.stderr.lower() for phrase in phrases)


#: Runs one command with text on its standard input.
Gcloud = Callable[[Command, str], Answer]


class GcloudMissing(Exception):
    """The Google Cloud CLI is not installed; see https://cloud.google.com/sdk/docs/install."""


def run_gcloud(command: Command, stdin: str = "") -> Answer:
    """Run gcloud without asking anything. Raises GcloudMissing."""
    program = shutil.which("gcloud")
    if program is None:
        raise GcloudMissing(GcloudMissing.__doc__)
    done = subprocess.run(
        [program, *command, "--quiet"], input=stdin, capture_output=True, text=True, check=False
    )
    return Answer(done.returncode, done.stdout, done.stderr)
