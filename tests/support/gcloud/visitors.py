"""What somebody meets who calls the services: it follows from what the deployment has made."""

from typing import Any

from deploy.smoke import Fetched
from tests.support.gcloud.cloud import Cloud
from tests.support.gcloud.commands import PUBSUB_AGENT

WRITES, READS = "roles/datastore.user", "roles/datastore.viewer"
CALLS, SIGNS = "roles/run.invoker", "roles/iam.serviceAccountTokenCreator"


def fetch(cloud: Cloud, url: str, body: dict[str, Any] | None = None) -> Fetched:
    """The answer to a visitor's request, as far as the smoke test looks at it."""
    name = url.removeprefix("https://").partition(f"-{cloud.number}")[0]
    service = cloud.of("run services").get(name)
    if service is None:
        return Fetched(404, 1, "The requested URL was not found on this server.")
    if not service.get("unasked") and not cloud.may("run services", name, "allUsers", CALLS):
        return Fetched(403, 1, "Your client does not have permission to get URL from this server.")
    if url.endswith("/v1/status"):
        return Fetched(200, 1, {})
    queued = {"id": "job_1", "status": "queued", "stage": "", "done": False}
    if body is not None:
        able = _may_store(cloud, "submit", WRITES) and _may_publish(cloud, "submit", "jobs")
        return Fetched(202, 1, queued) if able else Fetched(503, 1, "cannot store")
    if not _may_store(cloud, "results", READS):
        return Fetched(503, 1, "cannot read")
    if not _is_worked_on(cloud):
        return Fetched(200, 1, queued)
    return Fetched(
        200, 1, queued | {"status": "succeeded", "done": True, "output": {"lyrics": "la"}}
    )


def _is_worked_on(cloud: Cloud) -> bool:
    """Whether a push reaches the worker, which may then write what it wrote."""
    worker, invoker = "versequeue-worker", _account(cloud, "invoker")
    pushes = cloud.of("pubsub subscriptions").get("jobs-push", {"flags": {}})["flags"]
    endpoint = "".join(pushes.get("--push-endpoint", []))
    agent = f"serviceAccount:{PUBSUB_AGENT.format(number=cloud.number)}"
    return (
        endpoint.startswith(f"https://{worker}-{cloud.number}.")
        and worker in cloud.of("run services")
        and cloud.may("run services", worker, f"serviceAccount:{invoker}", CALLS)
        and cloud.may("iam service-accounts", invoker, agent, SIGNS)
        and _may_store(cloud, "worker", WRITES)
    )


def _may_store(cloud: Cloud, function: str, role: str) -> bool:
    member = f"serviceAccount:{_account(cloud, function)}"
    return bool(cloud.of("firestore databases")) and cloud.may(
        "projects", cloud.project, member, role
    )


def _may_publish(cloud: Cloud, function: str, topic: str) -> bool:
    member = f"serviceAccount:{_account(cloud, function)}"
    return cloud.may("pubsub topics", topic, member, "roles/pubsub.publisher")


def _account(cloud: Cloud, name: str) -> str:
    return f"versequeue-{name}@{cloud.project}.iam.gserviceaccount.com"
