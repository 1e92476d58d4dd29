"""The steps that say who may do what: services, service accounts, roles, secrets, the budget.

Every function has an identity of its own with only its own rights; nothing runs as the project's
default account.
"""

from collections.abc import Iterator

from deploy.functions import (
    DEPLOYED,
    FUNCTIONS,
    HASH_KEY,
    PAGE_SECRET,
    PREFIX,
    WEBHOOK_SECRET,
    Caller,
    FunctionSpec,
)
from deploy.steps import FOUND, Secret, Step
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
#: The identity under which Pub/Sub and the scheduler call private functions.
INVOKER = "invoker"
#: The identity under which Cloud Build turns a staged folder into an image.
BUILDER = "builder"
BUDGET_THRESHOLDS = ("0.5", "0.9", "1.0")


def enable_services(target: Target) -> Step:
    """The APIs that a deployment uses; they stay enabled afterwards, which costs nothing."""
    names = tuple(f"{name}.googleapis.com" for name in SERVICES)
    return Step("Enable the services", ("services", "enable", *names, *target.in_project))


def budget_alert(target: Target) -> Iterator[Step]:
    """Mail to the billing account's owners at half, most and all of the month's budget."""
    if not target.billing_account:
        return
    account = f"--billing-account={target.billing_account.removeprefix('billingAccounts/')}"
    name = f"{PREFIX} {target.project}"
    rules = tuple(f"percent={share}" for share in BUDGET_THRESHOLDS)
    amount = f"--budget-amount={target.budget}"
    yield Step(
        title=f"Budget alert at {target.budget} a month",
        exists=(
            *("billing", "budgets", "list", account, f'--filter=displayName="{name}"'),
            *("--format=value(name)", *target.in_project),
        ),
        create=(
            *("billing", "budgets", "create", account, f"--display-name={name}", amount),
            *(f"--threshold-rule={rule}" for rule in rules),
            *(f"--filter-projects=projects/{target.project}", *target.in_project),
        ),
        update=("billing", "budgets", "update", FOUND, account, amount, *target.in_project),
        remove=("billing", "budgets", "delete", FOUND, account, *target.in_project),
    )


def service_accounts(target: Target) -> Iterator[Step]:
    """One identity per function, one that calls the private ones, one that builds."""
    whys = {spec.name: f"VerseQueue {spec.name} function" for spec in FUNCTIONS}
    whys[INVOKER] = "Calls VerseQueue's private functions"
    whys[BUILDER] = "Builds VerseQueue's images"
    for name, why in whys.items():
        email = target.account(name)
        yield Step(
            title=f"Identity {PREFIX}-{name}",
            exists=(
                *("iam", "service-accounts", "describe", email),
                *("--format=value(email)", *target.in_project),
            ),
            create=(
                *("iam", "service-accounts", "create", f"{PREFIX}-{name}"),
                *(f"--display-name={why}", *target.in_project),
            ),
            remove=("iam", "service-accounts", "delete", email, *target.in_project),
        )


def project_roles(target: Target) -> Iterator[Step]:
    """The few rights that can only be given on the whole project."""
    yield _project_role(target, BUILDER, "roles/run.builder", "may build images")
    for spec in FUNCTIONS:
        what = "may read jobs" if spec.database.name == "READ" else "may read and write jobs"
        yield _project_role(target, spec.name, spec.database, what)


def secrets(target: Target) -> Iterator[Step]:
    """Secrets that are made once, and the functions that may read each."""
    made = ((WEBHOOK_SECRET, Secret.WEBHOOK), (HASH_KEY, Secret.KEY), (PAGE_SECRET, Secret.KEY))
    for name, kind in made:
        yield Step(
            title=f"Secret {name}",
            exists=("secrets", "describe", name, "--format=value(name)", *target.in_project),
            create=(
                *("secrets", "create", name, "--replication-policy=automatic"),
                *("--data-file=-", *target.in_project),
            ),
            remove=("secrets", "delete", name, *target.in_project),
            stdin=kind,
        )
        for spec in FUNCTIONS:
            if name in dict(spec.secrets).values():
                yield _secret_role(target, name, spec)


def model_access(target: Target) -> Iterator[Step]:
    """The worker may read the model's bucket, where the model is not staged with it."""
    if not target.model:
        return
    worker = next(spec for spec in FUNCTIONS if spec.needs_model)
    binding = (
        *(f"gs://{target.model_bucket}", f"--member={target.member(worker.name)}"),
        *("--role=roles/storage.objectViewer", *target.in_project),
    )
    yield Step(
        title=f"{worker.name} may read gs://{target.model_bucket}",
        create=("storage", "buckets", "add-iam-policy-binding", *binding),
        remove=("storage", "buckets", "remove-iam-policy-binding", *binding),
    )


def callers(target: Target) -> Iterator[Step]:
    """Pub/Sub and the scheduler may call the private services, and nobody else may."""
    for spec in DEPLOYED:
        if spec.caller is Caller.GOOGLE:
            yield Step(
                title=f"{INVOKER} may call {spec.service}",
                create=(
                    *("run", "services", "add-iam-policy-binding", spec.service),
                    *(f"--member={target.member(INVOKER)}", "--role=roles/run.invoker"),
                    *(f"--region={target.region}", *target.in_project),
                ),
            )


def _project_role(target: Target, name: str, role: str, what: str) -> Step:
    binding = (
        *(target.project, f"--member={target.member(name)}", f"--role={role}"),
        *("--condition=None", "--format=none"),
    )
    return Step(
        title=f"{name} {what}",
        create=("projects", "add-iam-policy-binding", *binding),
        remove=("projects", "remove-iam-policy-binding", *binding),
    )


def _secret_role(target: Target, secret: str, spec: FunctionSpec) -> Step:
    return Step(
        title=f"{spec.name} may read {secret}",
        create=(
            *("secrets", "add-iam-policy-binding", secret),
            *(f"--member={target.member(spec.name)}",),
            *("--role=roles/secretmanager.secretAccessor", *target.in_project),
        ),
    )
