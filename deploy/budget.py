"""The budget's alert, the last step since a service without it serves all the same, and the cap.

The cap is a function that hears of the budget over Pub/Sub and takes the project off its billing
account once all of it is spent.
"""

from collections.abc import Iterator
from pathlib import Path

from deploy import identities, messaging, services
from deploy.functions import CAP, PREFIX
from deploy.steps import FOUND, NEEDED, Step, named
from deploy.target import Target

TOPIC = "budget"
THRESHOLDS = ("0.5", "0.9", "1.0")
IF_REFUSED = (
    "Nothing mails you when the month's bill grows. Whoever manages the billing account can set "
    'the alert: https://console.cloud.google.com/billing/budgets. ARGS="--budget 0" leaves it out.'
)


def cap(target: Target, build: Path) -> Iterator[Step]:
    """What ends all costs once the budget is spent; nothing unless it is asked for."""
    if not target.cap:
        return
    yield identities.identity(target, CAP.name, "Takes the project off its billing account")
    what, role = "may take the project off its billing account", "roles/billing.projectManager"
    yield identities.project_role(target, CAP.name, role, what)
    yield named(f"Topic {TOPIC}", "pubsub topics", TOPIC, target.in_project)
    yield services.service(target, CAP, build)
    yield identities.caller(target, CAP)
    yield from messaging.pushes(target, TOPIC, CAP)


def budget_alert(target: Target) -> Iterator[Step]:
    """Mail to the billing account's owners at half, most and all of the month's budget."""
    if float(target.budget) == 0:
        return
    account = f"--billing-account={NEEDED}"
    name, amount = f"{PREFIX} {target.project}", f"--budget-amount={target.budget}"
    command, where = ("billing", "budgets"), target.in_project
    topic = f"--notifications-rule-pubsub-topic=projects/{target.project}/topics/{TOPIC}"
    heard = (topic,) if target.cap else ()
    known = (f'--filter=displayName="{name}"', "--format=value(name)")
    yield Step(
        title=f"Budget alert at {target.budget} a month",
        needs=(
            *("billing", "projects", "describe", target.project),
            "--format=value(billingAccountName.basename())",
        ),
        exists=(*command, "list", account, *known, *where),
        create=(
            *(*command, "create", account, f"--display-name={name}", amount),
            *(f"--threshold-rule=percent={share}" for share in THRESHOLDS),
            *heard,
            *(f"--filter-projects=projects/{target.project}", *where),
        ),
        update=(*command, "update", FOUND, account, amount, *heard, *where),
        remove=(*command, "delete", FOUND, account, *where),
        # A cap that hears of no budget would be worse than none.
        if_refused="" if target.cap else IF_REFUSED,
        is_free=True,
    )
