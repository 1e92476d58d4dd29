"""Carries out a deployment's steps, or takes them back. Safe to repeat: nothing is made twice."""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deploy.gcloud import EXISTS, MISSING, NOT_YET, Answer, Gcloud
from deploy.steps import FOUND, Command, Secret, Step

#: A new identity is unknown to other services for up to a minute or so.
RETRIES = 8
RETRY_WAIT_S = 10.0


class StepFailed(Exception):
    """A step could not be carried out; the text says which, and what gcloud answered."""


@dataclass(frozen=True)
class Runner:
    """Carries out steps. `gcloud`, `say` and `sleep` are what it touches the world with."""

    gcloud: Gcloud
    say: Callable[[str], None]
    sleep: Callable[[float], None]

    def apply(self, steps: Sequence[Step]) -> None:
        """Bring everything to the steps' state. Raises StepFailed at the first refusal."""
        for step in steps:
            if step.create is not None:
                self.say(f"{step.title}: {self._apply(step, step.create)}")

    def destroy(self, steps: Sequence[Step]) -> list[str]:
        """Remove everything, last made first; the titles of what could not be removed."""
        left = []
        for step in reversed(steps):
            if step.remove is None:
                continue
            outcome = self._remove(step, step.remove)
            self.say(f"{step.title}: {outcome}")
            if outcome.startswith("failed"):
                left.append(step.title)
        return left

    def _apply(self, step: Step, create: Command) -> str:
        found = self._find(step)
        if not found:
            stdin = make_secret(step.stdin) if step.stdin else ""
            answer = self._patiently(create, stdin)
            if answer.ok:
                return "done"
            if not answer.says(EXISTS):
                raise StepFailed(_complaint(step, create, answer))
        if step.update is None or (FOUND in step.update and not found):
            return "already there"
        update = tuple(found if word == FOUND else word for word in step.update)
        answer = self._patiently(update, "")
        if not answer.ok:
            raise StepFailed(_complaint(step, update, answer))
        return "updated"

    def _remove(self, step: Step, remove: Command) -> str:
        found = self._find(step)
        if step.exists is not None and not found:
            return "was not there"
        answer = self.gcloud(tuple(found if word == FOUND else word for word in remove), "")
        if answer.ok:
            return "removed"
        return "was not there" if answer.says(MISSING) else f"failed: {answer.stderr.strip()}"

    def _find(self, step: Step) -> str:
        if step.exists is None:
            return ""
        answer = self.gcloud(step.exists, "")
        lines = answer.stdout.split() if answer.ok else []
        return lines[0] if lines else ""

    def _patiently(self, command: Command, stdin: str) -> Answer:
        for _ in range(RETRIES):
            answer = self.gcloud(command, stdin)
            if answer.ok or answer.says(EXISTS) or not answer.says(NOT_YET):
                return answer
            self.sleep(RETRY_WAIT_S)
        return self.gcloud(command, stdin)


def make_secret(kind: Secret) -> str:
    """A new random secret: 32 bytes, in the form that its reader expects."""
    text = base64.b64encode(secrets.token_bytes(32)).decode()
    return f"whsec_{text}" if kind is Secret.WEBHOOK else text


def _complaint(step: Step, command: Command, answer: Answer) -> str:
    return f"{step.title} failed.\n  gcloud {' '.join(command)}\n{answer.stderr.strip()}"
