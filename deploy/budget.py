"""The step for the budget's alert: the last one, since a service without it serves all the same."""

from collections.abc import Iterator

from deploy.functions import PREFIX
from deploy.steps import FOUND, NEEDED, Step
from deploy.target import Target

THRESHOLDS = ("0.5", "0.9", "1.0")
IF_REFUSED = (
    "Nothing mails you when the month's bill grows. Whoever manages the billing account can set "
    'the alert: https://console.cloud.google.com/billing/budgets. ARGS="--budget 0" leaves it out.'
)


def budget_alert(target: Target) -> Iterator[Step]:
    """Mail to the billing account's owners at half, most and all of the month's budget."""
    if float(target.budget) == 0:
        return
    account = f"--billing-account={NEEDED}"
    name, amount = f"{PREFIX} {target.project}", f"--budget-amount={target.budget}"
    command, where = ("billing", "budgets"), target.in_project
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
            *(f"--filter-projects=projects/{target.project}", *where),
        ),
        update=(*command, "update", FOUND, account, amount, *where),
        remove=(*command, "delete", FOUND, account, *where),
        if_refused=IF_REFUSED,
    )
