"""The whole deployment as steps, in the order to carry them out; removing goes backwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy import budget, database, identities, messaging, services
from deploy.steps import Step
from deploy.target import Target


def deployment_steps(target: Target, build: Path, indexes: Mapping[str, Any]) -> tuple[Step, ...]:
    """Every step for `target`, with the staged functions under `build`."""
    return (
        identities.enable_services(target),
        database.region(target),
        *identities.service_accounts(target),
        # Early, because a right takes minutes to be known and the first build needs one.
        *identities.project_roles(target),
        database.database(target),
        *database.indexes(target, indexes),
        *database.fields(target, indexes),
        *identities.secrets(target),
        *messaging.topics(target),
        *messaging.publishers(target),
        *messaging.pubsub_agent(target),
        *identities.model_access(target),
        *services.image_repository(target),
        *services.functions(target, build),
        *services.uploads(target),
        *identities.callers(target),
        *messaging.subscriptions(target),
        messaging.scheduler(target),
        *budget.cap(target, build),
        *budget.budget_alert(target),
    )
