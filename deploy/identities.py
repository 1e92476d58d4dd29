"""The steps for identities, roles and secrets. A function has only its own rights."""

from collections.abc import Iterator
from dataclasses import replace

from deploy.functions import (
    DEPLOYED,
    FUNCTIONS,
    HASH_KEY,
    PAGE_SECRET,
    PREFIX,
    PUSH_KEY,
    WEBHOOK_SECRET,
    Caller,
    Database,
    FunctionSpec,
)
from deploy.steps import Secret, Step, named, right
from deploy.target import Target

SERVICES = (
    "artifactregistry",
    "billingbudgets",
    "cloudbilling",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "firestore",
    "iam",
    "pubsub",
    "run",
    "secretmanager",
    "storage",
)
ENABLE = "Enable the services"
#: The identity under which Pub/Sub and the scheduler call private functions.
INVOKER = "invoker"
#: The identity under which Cloud Build turns a staged folder into an image.
BUILDER = "builder"


def enable_services(target: Target) -> Step:
    """The APIs that a deployment uses; they stay enabled afterwards, which costs nothing."""
    names = tuple(f"{name}.googleapis.com" for name in SERVICES)
    return Step(ENABLE, ("services", "enable", *names, *target.in_project))


def service_accounts(target: Target) -> Iterator[Step]:
    """One identity per function, one that calls the private ones, one that builds."""
    whys = {spec.name: f"VerseQueue {spec.name} function" for spec in FUNCTIONS}
    whys[INVOKER] = "Calls VerseQueue's private functions"
    whys[BUILDER] = "Builds VerseQueue's images"
    for name, why in whys.items():
        yield identity(target, name, why)


def identity(target: Target, name: str, why: str) -> Step:
    """The service account `versequeue-<name>`."""
    email, where, command = target.account(name), target.in_project, ("iam", "service-accounts")
    return Step(
        title=f"Identity {PREFIX}-{name}",
        exists=(*command, "describe", email, "--format=value(email)", *where),
        create=(*command, "create", f"{PREFIX}-{name}", f"--display-name={why}", *where),
        remove=(*command, "delete", email, *where),
    )


def project_roles(target: Target) -> Iterator[Step]:
    """The few rights that can only be given on the whole project."""
    yield project_role(target, BUILDER, "roles/run.builder", "may build images")
    for spec in FUNCTIONS:
        if spec.database is not None:
            what = "may read jobs" if spec.database is Database.READ else "may read and write jobs"
            yield project_role(target, spec.name, spec.database, what)


def secrets(target: Target) -> Iterator[Step]:
    """Secrets, each with a value that is made once, and the functions that may read each."""
    kinds = dict.fromkeys((HASH_KEY, PAGE_SECRET, PUSH_KEY), Secret.KEY)
    for name, kind in {WEBHOOK_SECRET: Secret.WEBHOOK, **kinds}.items():
        where = target.in_project
        yield named(
            f"Secret {name}", "secrets", name, where, create=("--replication-policy=automatic",)
        )
        versions = ("secrets", "versions")
        newest = ("describe", "latest", f"--secret={name}", "--format=value(name)")
        yield Step(
            title=f"A value of {name}",
            exists=(*versions, *newest, *where),
            create=(*versions, "add", name, "--data-file=-", *where),
            stdin=kind,
        )
        for spec in FUNCTIONS:
            if name in dict(spec.secrets).values():
                who, role = target.member(spec.name), "roles/secretmanager.secretAccessor"
                title = f"{spec.name} may read {name}"
                yield right(title, "secrets", name, who, role, target.in_project)


def model_access(target: Target) -> Iterator[Step]:
    """The worker may read the buckets of models that are not staged with it."""
    for name in target.model_buckets:
        bucket, where = f"gs://{name}", target.in_project
        title, kind, role = f"worker may read {bucket}", "storage buckets", "storage.objectViewer"
        who = target.member("worker")
        yield right(title, kind, bucket, who, f"roles/{role}", where, is_removed=True)


def callers(target: Target) -> Iterator[Step]:
    """Pub/Sub and the scheduler may call the private services, and anybody the public ones.

    Where an organization forbids rights for everybody, the public ones ask for none.
    """
    for spec in DEPLOYED:
        if spec.caller is Caller.GOOGLE:
            yield caller(target, spec)
            continue
        service, where = spec.service, target.in_region
        title, role = f"Anybody may call {service}", "roles/run.invoker"
        unasked = ("run", "services", "update", service, "--no-invoker-iam-check", *where)
        everybody = right(title, "run services", service, "allUsers", role, where)
        yield replace(everybody, otherwise=unasked)


def caller(target: Target, spec: FunctionSpec) -> Step:
    """The invoker may call one private service."""
    title, role = f"{INVOKER} may call {spec.service}", "roles/run.invoker"
    who, where = target.member(INVOKER), target.in_region
    return right(title, "run services", spec.service, who, role, where)


def project_role(target: Target, name: str, role: str, what: str) -> Step:
    """A right on the whole project for `versequeue-<name>`."""
    how, member = ("--condition=None", "--format=none"), target.member(name)
    return right(f"{name} {what}", "projects", target.project, member, role, how, is_removed=True)
