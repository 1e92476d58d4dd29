"""From a command to its answer: the fault that is due, the API, the command's effect, the text."""

from deploy.gcloud import Answer
from tests.support.gcloud.calls import Call, call_of
from tests.support.gcloud.cloud import Cloud, Refusal
from tests.support.gcloud.commands import COMMANDS, KINDS, VERBS, Handler


class Died(BaseException):
    """The machine that deploys has died in the middle of a command."""


def answer(cloud: Cloud, command: tuple[str, ...], stdin: str = "") -> Answer:
    """What gcloud answers to the command; the cloud is changed by it. Raises Died."""
    command = tuple(word for word in command if word != "--quiet")
    cloud.ran.append(" ".join(command))
    dotted, call, api, run, takes_s = _understood(command, stdin)
    cloud.now_s += takes_s
    try:
        printed = _carried_out(cloud, call, api, run)
    except Refusal as refusal:
        known: dict[str, object] = {
            "project": cloud.project,
            "number": cloud.number,
            "region": cloud.region,
        }
        return Answer(1, "", f"ERROR: (gcloud.{dotted}) {refusal.said(known)}\n")
    return Answer(0, f"{printed}\n" if printed else "")


def _carried_out(cloud: Cloud, call: Call, api: str, run: Handler) -> str:
    number = len(cloud.ran)
    if _due(number, cloud.lost_before, cloud.stays_lost):
        raise Refusal("no network", api=api or "cloudresourcemanager.googleapis.com")
    if api:
        cloud.check_api(api)
    try:
        return run(cloud, call)
    finally:  # whatever the service would have answered
        if number == cloud.dies_at:
            raise Died
        if _due(number, cloud.lost_after, cloud.stays_lost):
            raise Refusal("broken off")


def _understood(command: tuple[str, ...], stdin: str) -> tuple[str, Call, str, Handler, float]:
    for length in range(len(command), 0, -1):
        if found := COMMANDS.get(" ".join(command[:length])):
            kind, api, run, takes_s = found
            return (
                ".".join(command[:length]),
                call_of(kind, command[length:], stdin),
                api,
                run,
                takes_s,
            )
    for length in (1, 2):
        kind = " ".join(command[:length])
        if kind in KINDS and command[length] in VERBS:
            run, takes_s = VERBS[command[length]]
            call = call_of(kind, command[length + 1 :], stdin)
            return ".".join(command[: length + 1]), call, KINDS[kind], run, takes_s
    raise NotImplementedError(" ".join(command))


def _due(number: int, at: int, stays: bool) -> bool:
    return number == at or (stays and 0 < at < number)
