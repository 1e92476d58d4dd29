"""Carries out a deployment's steps, or takes them back. Safe to repeat: nothing is made twice.

A step that is refused for now is tried again whole, beginning with the look whether its thing is
there: the try before may have made it, and only the answer got lost.
"""

import base64
import secrets
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from deploy.gcloud import Answer, Gcloud
from deploy.steps import FOUND, NEEDED, Command, Secret, Step

T = TypeVar("T")

#: A new identity, right or service is known everywhere after two minutes, at times after seven.
PATIENCE_S = 480.0
#: A network or a service that is away for longer than this is not waited for.
OUTAGE_S = 30.0
RETRY_WAIT_S = 10.0
NOTHING_FOUND = Answer(1, stderr="ERROR: it printed nothing.")


class StepFailed(Exception):
    """A step could not be carried out; the text says which, what gcloud answered, what to do."""


class _Refused(Exception):
    def __init__(self, command: Command, answer: Answer) -> None:
        super().__init__()
        self.command, self.answer = command, answer


@dataclass(frozen=True)
class Runner:
    """Carries out steps. `gcloud`, `say` and `sleep` are what it touches the world with."""

    gcloud: Gcloud
    say: Callable[[str], None]
    sleep: Callable[[float], None]

    def ask(self, title: str, command: Command) -> list[str]:
        """The words that a command prints. Raises StepFailed."""

        def attempt() -> list[str]:
            answer = self.gcloud(command, "")
            if not answer.ok:
                raise _Refused(command, answer)
            return answer.stdout.split()

        try:
            return self._patiently(attempt, _outage(OUTAGE_S))
        except _Refused as refused:
            raise StepFailed(_complaint(title, refused)) from None

    def apply(self, steps: Sequence[Step]) -> None:
        """Bring everything to the steps' state. Raises StepFailed at the first refusal."""
        made = [step for step in steps if step.create is not None or step.absent]
        for number, step in enumerate(made, start=1):
            self.say(f"[{number}/{len(made)}] {step.title}")
            try:
                self.say(f"  {self._patiently(partial(self._apply, step), _patience_of(step))}")
            except _Refused as refused:
                if not step.if_refused:
                    raise StepFailed(_complaint(step.title, refused)) from None
                self.say(f"  left out. {step.if_refused}\n{_complaint(step.title, refused)}")

    def destroy(self, steps: Sequence[Step]) -> list[str]:
        """Remove everything, last made first; the titles of what may still be there.

        Once the network has stayed away, what is left is tried once each.
        """
        left, outage_s = [], OUTAGE_S
        removed = [step for step in reversed(steps) if step.remove is not None]
        for number, step in enumerate(removed, start=1):
            self.say(f"[{number}/{len(removed)}] {step.title}")
            try:
                self.say(f"  {self._patiently(partial(self._remove, step), _outage(outage_s))}")
            except _Refused as refused:
                self.say(f"  {_complaint(step.title, refused)}")
                if refused.answer.unheard:
                    outage_s = 0.0
                if not step.is_free or refused.answer.unheard:
                    left.append(step.title)
        return left

    def _patiently(
        self,
        attempt: Callable[[], T],
        patience_s: Callable[[Answer], float],
    ) -> T:
        waited_s = 0.0
        while True:
            try:
                return attempt()
            except _Refused as refused:
                limit_s = patience_s(refused.answer)
                if waited_s >= limit_s:
                    raise
                if not waited_s:
                    why = refused.answer.complaint.partition("\n")[0]
                    self.say(f"  not yet, trying for {limit_s:.0f} s. {why}")
            self.sleep(RETRY_WAIT_S)
            waited_s += RETRY_WAIT_S

    def _apply(self, step: Step) -> str:
        step = self._informed(step)
        found = self._found(step, strictly=bool(step.absent))
        if step.absent:
            if not found:
                raise _Refused(step.exists or (), Answer(1, stderr=f"ERROR: {step.absent}"))
            return "there"
        if not found and self._made(step, step.create or ()):
            return "done"
        if step.update is None or (FOUND in step.update and not found):
            return "already there"
        self._run(_filled(step.update, FOUND, found))
        return "updated"

    def _made(self, step: Step, create: Command) -> bool:
        """Make the step's thing; whether it was not there yet. Raises _Refused."""
        answer = self.gcloud(create, make_secret(step.stdin) if step.stdin else "")
        if answer.exists:
            return False
        if not answer.ok:
            if step.otherwise is None or answer.unheard or answer.not_yet:
                raise _Refused(create, answer)
            self.say(f"  refused, so another way is tried. {answer.complaint}")
            self._run(step.otherwise)
        return True

    def _remove(self, step: Step) -> str:
        step = self._informed(step)
        found = self._found(step, strictly=True)
        if step.exists is not None and not found:
            return "was not there"
        remove = _filled(step.remove or (), FOUND, found)
        answer = self.gcloud(remove, "")
        if not answer.ok and not answer.absent:
            raise _Refused(remove, answer)
        return "removed" if answer.ok else "was not there"

    def _found(self, step: Step, strictly: bool = False) -> str:
        """What `exists` printed first, nothing if the thing is not there. Raises _Refused.

        Making a thing gives the better complaint, so that a look which is refused counts as
        nothing found; but `strictly` nothing is there only if the service says so.
        """
        if step.exists is None:
            return ""
        answer = self.gcloud(step.exists, "")
        if answer.unheard or (strictly and not answer.ok and not answer.absent):
            raise _Refused(step.exists, answer)
        return _first_word(answer)

    def _informed(self, step: Step) -> Step:
        """The step with what it needs to know filled in. Raises _Refused."""
        if step.needs is None:
            return step
        answer = self.gcloud(step.needs, "")
        needed = _first_word(answer)
        if not needed and step.otherwise is not None and not answer.unheard:
            return replace(step, create=step.otherwise, otherwise=None)
        if not needed:
            raise _Refused(step.needs, answer if not answer.ok else NOTHING_FOUND)
        commands = (step.exists, step.create, step.update, step.remove)
        exists, create, update, remove = (
            None if command is None else _filled(command, NEEDED, needed) for command in commands
        )
        return replace(step, exists=exists, create=create, update=update, remove=remove)

    def _run(self, command: Command) -> None:
        answer = self.gcloud(command, "")
        if not answer.ok:
            raise _Refused(command, answer)


def make_secret(kind: Secret) -> str:
    """A new random secret: 32 bytes, in the form that its reader expects."""
    text = base64.b64encode(secrets.token_bytes(32)).decode()
    return f"whsec_{text}" if kind is Secret.WEBHOOK else text


def _patience_of(step: Step) -> Callable[[Answer], float]:
    def patience_s(answer: Answer) -> float:
        if answer.unheard:
            return OUTAGE_S
        return PATIENCE_S if answer.not_yet and not step.if_refused else 0.0

    return patience_s


def _outage(limit_s: float) -> Callable[[Answer], float]:
    return lambda answer: limit_s if answer.unheard or answer.busy else 0.0


def _first_word(answer: Answer) -> str:
    words = answer.stdout.split() if answer.ok else []
    return words[0] if words else ""


def _filled(command: Command, word: str, value: str) -> Command:
    return tuple(part.replace(word, value) for part in command)


def _complaint(title: str, refused: _Refused) -> str:
    lines = (
        f"{title} failed.",
        f"  gcloud {shlex.join(refused.command)}",
        refused.answer.complaint,
        refused.answer.next_step,
    )
    return "\n".join(filter(None, lines))
