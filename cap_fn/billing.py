"""Budgets' messages, and the one call that ends all costs of a project.

Messages: https://cloud.google.com/billing/docs/how-to/budgets-programmatic-notifications. The call:
https://cloud.google.com/billing/docs/reference/rest/v1/projects/updateBillingInfo.
"""

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)
BILLING_API = "https://cloudbilling.googleapis.com"
SCOPES = ("https://www.googleapis.com/auth/cloud-billing",)
LIMIT_S = 30.0


def is_spent(message: Mapping[str, Any]) -> bool:
    """Whether the month's costs have reached the budget; a message without both says nothing.

    A forecast that reaches it (`forecastThresholdExceeded`) is no cost.
    """
    cost, budget = message.get("costAmount"), message.get("budgetAmount")
    if not isinstance(cost, int | float) or not isinstance(budget, int | float):
        log.warning("a budget's message without its amounts is dropped")
        return False
    return cost >= budget > 0


def unlink(project: str) -> None:
    """Take the project off its billing account; safe to repeat. Raises what requests raises."""
    import google.auth  # slow to import, and needed about never
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=SCOPES)
    with AuthorizedSession(credentials) as session:  # type: ignore[no-untyped-call]
        body = {"billingAccountName": ""}
        answer = session.put(
            f"{BILLING_API}/v1/projects/{project}/billingInfo", json=body, timeout=LIMIT_S
        )
    answer.raise_for_status()
    log.error("the budget is spent: %s is off its billing account, and everything stops", project)
