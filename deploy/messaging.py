"""The steps for Pub/Sub and the scheduler: topics, push subscriptions, dead letters, the tick."""

from collections.abc import Iterator

from deploy.functions import FUNCTIONS, PREFIX, FunctionSpec, deployed, function
from deploy.identities import INVOKER
from deploy.steps import Command, Step, named, right
from deploy.target import Target
from versequeue.config import ACK_DEADLINE_S

DEAD_LETTER = "dead-letter"
#: topic -> the service that it is pushed to
PUSHES = {"jobs": "worker", "bulk": "bulk", "notify": "notify"}
#: A refused push is mostly "no instance is free": it is tried again soon, so that no worker idles
#: beside a message that waits. Jobs end after five attempts whatever the messages do.
MIN_BACKOFF_S = 1
MAX_BACKOFF_S = 60
#: The most that Pub/Sub allows. "No instance is free" counts as an attempt, so a long batch
#: behind few workers would use up a small number without one real failure.
DELIVERY_ATTEMPTS = 100
NEVER_EXPIRES = "--expiration-period=never"


def topics(target: Target) -> Iterator[Step]:
    """The topics, the dead letters' among them."""
    for name in (*PUSHES, DEAD_LETTER):
        yield named(f"Topic {name}", "pubsub topics", name, target.in_project)


def publishers(target: Target) -> Iterator[Step]:
    """Each function may publish to the topics that it uses, and to no other."""
    for spec in FUNCTIONS:
        for topic in spec.publishes:
            yield _publisher(target, topic, target.member(spec.name), spec.name)


def pubsub_agent(target: Target) -> Iterator[Step]:
    """Pub/Sub's own identity may sign pushes as the invoker and publish dead letters."""
    agent, where = target.pubsub_agent, target.in_project
    create = ("beta", "services", "identity", "create", "--service=pubsub.googleapis.com", *where)
    yield Step("Pub/Sub's own identity", create)
    title, invoker = f"Pub/Sub may sign as {INVOKER}", target.account(INVOKER)
    role = "roles/iam.serviceAccountTokenCreator"
    yield right(title, "iam service-accounts", invoker, agent, role, where)
    yield _publisher(target, DEAD_LETTER, agent, "Pub/Sub")


def subscriptions(target: Target) -> Iterator[Step]:
    """The push subscriptions, and one that keeps dead letters until somebody looks."""
    for topic, name in PUSHES.items():
        yield from pushes(target, topic, deployed(name))
    keep = (f"--message-retention-duration={target.dead_letter_retention}", NEVER_EXPIRES)
    yield _subscription(target, DEAD_LETTER, DEAD_LETTER, keep)


def pushes(target: Target, topic: str, spec: FunctionSpec) -> Iterator[Step]:
    """The subscription that pushes a topic's messages to a service, and its dead letters' way."""
    yield _subscription(target, f"{topic}-push", topic, _push_policy(target, topic, spec))
    title, role = f"Pub/Sub may take dead letters out of {topic}", "roles/pubsub.subscriber"
    agent, where = target.pubsub_agent, target.in_project
    yield right(title, "pubsub subscriptions", f"{topic}-push", agent, role, where)


def scheduler(target: Target) -> Step:
    """The tick that calls the sweep."""
    spec = function("sweep")
    name, where = f"{PREFIX}-sweep", (f"--location={target.region}", *target.in_project)
    how = (
        *(f"--schedule={target.sweep_schedule}", f"--uri={target.url(spec)}/"),
        *("--http-method=POST", f"--attempt-deadline={spec.size.timeout_s}s"),
        f"--oidc-service-account-email={target.account(INVOKER)}",
        f"--oidc-token-audience={target.url(spec)}",
        *where,
    )
    return Step(
        title="Scheduler job for the sweep",
        exists=("scheduler", "jobs", "describe", name, "--format=value(name)", *where),
        create=("scheduler", "jobs", "create", "http", name, *how),
        update=("scheduler", "jobs", "update", "http", name, *how),
        remove=("scheduler", "jobs", "delete", name, *where),
    )


def _push_policy(target: Target, topic: str, spec: FunctionSpec) -> Command:
    url = target.url(spec)
    return (
        f"--push-endpoint={url}/projects/{target.project}/topics/{topic}",
        f"--push-auth-service-account={target.account(INVOKER)}",
        f"--push-auth-token-audience={url}",
        f"--ack-deadline={ACK_DEADLINE_S}",
        f"--min-retry-delay={MIN_BACKOFF_S}s",
        f"--max-retry-delay={MAX_BACKOFF_S}s",
        f"--dead-letter-topic={DEAD_LETTER}",
        f"--max-delivery-attempts={DELIVERY_ATTEMPTS}",
        NEVER_EXPIRES,
    )


def _subscription(target: Target, name: str, topic: str, policy: Command) -> Step:
    title, create, where = f"Subscription {name}", (f"--topic={topic}", *policy), target.in_project
    return named(title, "pubsub subscriptions", name, where, create=create, update=policy)


def _publisher(target: Target, topic: str, member: str, who: str) -> Step:
    title, role = f"{who} may publish to {topic}", "roles/pubsub.publisher"
    return right(title, "pubsub topics", topic, member, role, target.in_project)
