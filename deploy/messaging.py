"""The steps for Pub/Sub and the scheduler: topics, push subscriptions, dead letters, the tick.

Messages are hints, the store is the truth: these settings decide how soon a hint arrives, never
whether a job survives.
"""

from collections.abc import Iterator

from deploy.functions import FUNCTIONS, PREFIX, deployed, function
from deploy.identities import INVOKER
from deploy.steps import Step
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


def topics(target: Target) -> Iterator[Step]:
    """The topics, the dead letters' among them."""
    for name in (*PUSHES, DEAD_LETTER):
        yield Step(
            title=f"Topic {name}",
            exists=(
                "pubsub",
                "topics",
                "describe",
                name,
                "--format=value(name)",
                *target.in_project,
            ),
            create=("pubsub", "topics", "create", name, *target.in_project),
            remove=("pubsub", "topics", "delete", name, *target.in_project),
        )


def publishers(target: Target) -> Iterator[Step]:
    """Each function may publish to the topics that it uses, and to no other."""
    for spec in FUNCTIONS:
        for topic in spec.publishes:
            yield _publisher(target, topic, target.member(spec.name), spec.name)


def pubsub_agent(target: Target) -> Iterator[Step]:
    """Pub/Sub's own identity may sign pushes as the invoker and publish dead letters."""
    yield Step(
        title="Pub/Sub's own identity",
        create=(
            *("beta", "services", "identity", "create"),
            *("--service=pubsub.googleapis.com", *target.in_project),
        ),
    )
    yield Step(
        title=f"Pub/Sub may sign as {INVOKER}",
        create=(
            *("iam", "service-accounts", "add-iam-policy-binding", target.account(INVOKER)),
            *(f"--member={target.pubsub_agent}", "--role=roles/iam.serviceAccountTokenCreator"),
            *target.in_project,
        ),
    )
    yield _publisher(target, DEAD_LETTER, target.pubsub_agent, "Pub/Sub")


def subscriptions(target: Target) -> Iterator[Step]:
    """The push subscriptions, and one that keeps dead letters until somebody looks."""
    for topic, name in PUSHES.items():
        yield _push_subscription(target, topic, name)
        yield Step(
            title=f"Pub/Sub may take dead letters out of {topic}",
            create=(
                *("pubsub", "subscriptions", "add-iam-policy-binding", f"{topic}-push"),
                *(f"--member={target.pubsub_agent}", "--role=roles/pubsub.subscriber"),
                *target.in_project,
            ),
        )
    keep = (
        f"--message-retention-duration={target.dead_letter_retention}",
        "--expiration-period=never",
        *target.in_project,
    )
    yield _subscription(target, DEAD_LETTER, create=(f"--topic={DEAD_LETTER}", *keep), update=keep)


def scheduler(target: Target) -> Step:
    """The tick that calls the sweep."""
    spec = function("sweep")
    name, where = f"{PREFIX}-sweep", (f"--location={target.region}", *target.in_project)
    how = (
        *(f"--schedule={target.sweep_schedule}", f"--uri={target.url(spec)}/"),
        *("--http-method=POST", f"--attempt-deadline={spec.timeout_s}s"),
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


def _push_subscription(target: Target, topic: str, name: str) -> Step:
    url = target.url(deployed(name))
    policy = (
        f"--push-endpoint={url}/projects/{target.project}/topics/{topic}",
        f"--push-auth-service-account={target.account(INVOKER)}",
        f"--push-auth-token-audience={url}",
        f"--ack-deadline={ACK_DEADLINE_S}",
        f"--min-retry-delay={MIN_BACKOFF_S}s",
        f"--max-retry-delay={MAX_BACKOFF_S}s",
        f"--dead-letter-topic={DEAD_LETTER}",
        f"--max-delivery-attempts={DELIVERY_ATTEMPTS}",
        "--expiration-period=never",
        *target.in_project,
    )
    return _subscription(
        target, f"{topic}-push", create=(f"--topic={topic}", *policy), update=policy
    )


def _subscription(
    target: Target, name: str, create: tuple[str, ...], update: tuple[str, ...]
) -> Step:
    command = ("pubsub", "subscriptions")
    return Step(
        title=f"Subscription {name}",
        exists=(*command, "describe", name, "--format=value(name)", *target.in_project),
        create=(*command, "create", name, *create),
        update=(*command, "update", name, *update),
        remove=(*command, "delete", name, *target.in_project),
    )


def _publisher(target: Target, topic: str, member: str, who: str) -> Step:
    return Step(
        title=f"{who} may publish to {topic}",
        create=(
            *("pubsub", "topics", "add-iam-policy-binding", topic, f"--member={member}"),
            *("--role=roles/pubsub.publisher", *target.in_project),
        ),
    )
