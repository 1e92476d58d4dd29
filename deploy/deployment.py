"""The whole deployment as a list of steps, in the order in which they can be carried out.

Pure: a target in, steps out. Removing goes through the same list backwards.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy import database, identities, messaging, services
from deploy.steps import Step
from deploy.target import Target


def deployment_steps(target: Target, build: Path, indexes: Mapping[str, Any]) -> tuple[Step, ...]:
    """Every step for `target`, with the staged functions under `build`."""
    return tuple(_steps(target, build, indexes))


def _steps(target: Target, build: Path, indexes: Mapping[str, Any]) -> Iterator[Step]:
    yield identities.enable_services(target)
    yield from identities.budget_alert(target)
    yield from identities.service_accounts(target)
    yield database.database(target)
    yield from database.indexes(target, indexes)
    yield from database.fields(target, indexes)
    yield from identities.project_roles(target)
    yield from identities.secrets(target)
    yield from messaging.topics(target)
    yield from messaging.publishers(target)
    yield from messaging.pubsub_agent(target)
    yield from identities.model_access(target)
    yield from services.image_repository(target)
    yield from services.functions(target, build)
    yield from services.uploads(target)
    yield from identities.callers(target)
    yield from messaging.subscriptions(target)
    yield messaging.scheduler(target)
