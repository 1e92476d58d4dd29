"""What a deployment is made of: a step says how to see, make, update and remove one thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

#: Stands in `update` and `remove` for what `exists` printed, such as a generated name.
FOUND = "FOUND"
#: Stands in any command for what `needs` printed, such as an image that another step has built.
NEEDED = "NEEDED"

#: Arguments after `gcloud`.
Command = tuple[str, ...]


class Secret(StrEnum):
    """Random text that a step is given on standard input, so that no argument ever shows it."""

    WEBHOOK = "whsec"
    KEY = "key"


@dataclass(frozen=True)
class Step:
    """One thing in the cloud. Carrying a step out twice is the same as once."""

    title: str
    #: nothing, for what comes into being by itself, and only has to be there or to be removed
    create: Command | None = None
    #: succeeds and prints something if the thing is there; without it `create` may be repeated
    exists: Command | None = None
    #: brings a thing that is there to the state wanted; without it that thing is left alone
    update: Command | None = None
    remove: Command | None = None
    stdin: Secret | None = None
    #: prints what the other commands need to know of things that this step does not make
    needs: Command | None = None
    #: another way to the same end, for where `create` is refused for good
    otherwise: Command | None = None
    #: what its owner can do instead, where a refusal is no reason to stop; empty: it is one
    if_refused: str = ""
    #: what it means if the thing is not there, where nothing can make it
    absent: str = ""
    #: whether it costs nothing if it cannot be removed
    is_free: bool = False


def named(
    title: str,
    kind: str,
    name: str,
    where: Command,
    create: Sequence[str] = (),
    update: Sequence[str] | None = None,
    stdin: Secret | None = None,
) -> Step:
    """A thing of gcloud's `kind`, such as "pubsub topics", that is looked for by its name.

    `where` says in which project or region it is; `create` and `update` are further arguments.
    """
    group = kind.split()
    return Step(
        title=title,
        exists=(*group, "describe", name, "--format=value(name)", *where),
        create=(*group, "create", name, *create, *where),
        update=None if update is None else (*group, "update", name, *update, *where),
        remove=(*group, "delete", name, *where),
        stdin=stdin,
    )


def right(
    title: str,
    kind: str,
    name: str,
    member: str,
    role: str,
    where: Command,
    is_removed: bool = False,
) -> Step:
    """Gives `member` a role on a thing of gcloud's `kind`.

    It goes with that thing, unless `is_removed` says that it has to be taken back by itself.
    """
    group, binding = kind.split(), (name, f"--member={member}", f"--role={role}", *where)
    return Step(
        title=title,
        create=(*group, "add-iam-policy-binding", *binding),
        remove=(*group, "remove-iam-policy-binding", *binding) if is_removed else None,
    )
