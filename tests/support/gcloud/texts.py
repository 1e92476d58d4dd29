"""What gcloud says, and the answer of a service that makes it say so.

The words between braces are filled in. A row with a `url` is a service's answer, and gcloud's own
formatter makes `said` of it; one without is gcloud's own sentence, found in its source.
"""

from dataclasses import dataclass
from typing import Any

ACCOUNT = "owner@example.com"
WHO = f"This command is authenticated as {ACCOUNT}"
OWNER = f"{WHO} which is the active account specified by the [core/account] property"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
PRECONDITION = "type.googleapis.com/google.rpc.PreconditionFailure"


@dataclass(frozen=True)
class Text:
    """One row of the table."""

    said: str
    url: str = ""
    code: int = 0
    status: str = ""
    message: str = ""
    details: tuple[dict[str, Any], ...] = ()


def missing(url: str, message: str) -> Text:
    """A thing is not there, as most services say it: its address is longer than three words."""
    return Text(f"NOT_FOUND: {message} {OWNER}.", url, 404, "NOT_FOUND", message)


def there(url: str, message: str) -> Text:
    """A thing is there already."""
    return Text(f"ALREADY_EXISTS: {message}", url, 409, "ALREADY_EXISTS", message)


RUN = (
    "https://{region}-run.googleapis.com/apis/serving.knative.dev/v1/namespaces/{project}/services"
)
IAM = "https://iam.googleapis.com/v1/projects/{project}/serviceAccounts"
PUBSUB = "https://pubsub.googleapis.com/v1/projects/{project}"
SECRETS = "https://secretmanager.googleapis.com/v1/projects/{project}/secrets"
FIRESTORE = "https://firestore.googleapis.com/v1/projects/{project}/databases"
IMAGES = (
    "https://artifactregistry.googleapis.com/v1/projects/{project}/locations/{region}/repositories"
)
JOBS = "https://cloudscheduler.googleapis.com/v1/projects/{project}/locations/{region}/jobs"
BUDGETS = "https://billingbudgets.googleapis.com/v1/billingAccounts/{name}/budgets?alt=json"
PROJECTS = "https://cloudresourcemanager.googleapis.com/v1/projects/{project}"
BUILDS = "https://run.googleapis.com/v2/projects/{project}/locations/{region}/builds:submit"

TEXTS: dict[str, Text] = {
    # What is not there.
    "no pubsub topics": missing(PUBSUB + "/topics/{name}", "Resource not found (resource={name})."),
    "no pubsub subscriptions": missing(
        PUBSUB + "/subscriptions/{name}", "Resource not found (resource={name})."
    ),
    "no secrets": missing(
        SECRETS + "/{name}", "Secret [projects/{number}/secrets/{name}] not found."
    ),
    "no secrets versions": missing(
        SECRETS + "/{name}/versions/latest",
        "Secret Version [projects/{number}/secrets/{name}/versions/latest] not found.",
    ),
    "no iam service-accounts": missing(IAM + "/{name}", "Unknown service account."),
    "no firestore databases": missing(
        FIRESTORE + "/{name}", "Project '{project}' or database '{name}' does not exist."
    ),
    "no artifacts repositories": missing(IMAGES + "/{name}", "Requested entity was not found."),
    "no scheduler jobs": missing(JOBS + "/{name}", "Job not found."),
    "no run services": Text("Cannot find service [{name}]"),
    "no run services to delete": Text("Service [{name}] could not be found."),
    "no objects": Text("The following URLs matched no objects or files:\n{name}"),
    "no bucket": Text("gs://{name} not found: 404."),
    "no binding": Text(
        "Policy binding with the specified principal, role, and condition not found!"
    ),
    "no project": Text(
        "[owner@example.com] does not have permission to access projects instance [{project}] (or "
        "it may not exist): The caller does not have permission. " + OWNER,
        PROJECTS,
        403,
        "PERMISSION_DENIED",
        "The caller does not have permission",
    ),
    # What is there.
    "pubsub topics there": there(
        PUBSUB + "/topics/{name}", "Resource already exists in the project (resource={name})."
    ),
    "pubsub subscriptions there": there(
        PUBSUB + "/subscriptions/{name}",
        "Resource already exists in the project (resource={name}).",
    ),
    "secrets there": Text(
        "Resource in projects [{project}] is the subject of a conflict: Secret "
        "[projects/{number}/secrets/{name}] already exists.",
        SECRETS + "?alt=json&secretId={name}",
        409,
        "ALREADY_EXISTS",
        "Secret [projects/{number}/secrets/{name}] already exists.",
    ),
    "iam service-accounts there": Text(
        "Resource in projects [{project}] is the subject of a conflict: Service account {short} "
        "already exists within project projects/{project}.",
        IAM + "?alt=json",
        409,
        "ALREADY_EXISTS",
        "Service account {short} already exists within project projects/{project}.",
    ),
    "firestore databases there": Text(
        "Resource in projects [{project}] is the subject of a conflict: Database already exists. "
        "Please use another database_id",
        FIRESTORE + "?alt=json&databaseId={name}",
        409,
        "ALREADY_EXISTS",
        "Database already exists. Please use another database_id",
    ),
    "firestore indexes composite there": there(
        FIRESTORE + "/(default)/collectionGroups/jobs/indexes", "index already exists"
    ),
    "artifacts repositories there": there(IMAGES, "the repository already exists"),
    "scheduler jobs there": there(
        JOBS, "Job projects/{project}/locations/{region}/jobs/{name} already exists."
    ),
    # What is not known yet, or busy.
    "service is off": Text(
        "PERMISSION_DENIED: {api} API has not been used in project {number} before or it is "
        "disabled. Enable it by visiting https://console.developers.google.com/apis/api/{api}/"
        "overview?project={number} then retry. If you enabled this API recently, wait a few "
        f"minutes for the action to propagate to our systems and retry. {OWNER}.\n"
        "- '@type': type.googleapis.com/google.rpc.ErrorInfo\n"
        "  domain: googleapis.com\n"
        "  reason: SERVICE_DISABLED",
        "https://{api}/v1/projects/{project}/things/{name}",
        403,
        "PERMISSION_DENIED",
        "{api} API has not been used in project {number} before or it is disabled. Enable it by "
        "visiting https://console.developers.google.com/apis/api/{api}/overview?project={number} "
        "then retry. If you enabled this API recently, wait a few minutes for the action to "
        "propagate to our systems and retry.",
        ({"@type": ERROR_INFO, "domain": "googleapis.com", "reason": "SERVICE_DISABLED"},),
    ),
    "unknown member": Text(
        "INVALID_ARGUMENT: Service account {name} does not exist.",
        PUBSUB + "/topics/jobs:setIamPolicy",
        400,
        "INVALID_ARGUMENT",
        "Service account {name} does not exist.",
    ),
    "policy conflict": Text(
        "Resource in projects [{project}:setIamPolicy] is the subject of a conflict: There were "
        "concurrent policy changes. Please retry the whole read-modify-write with exponential "
        "backoff.",
        PROJECTS + ":setIamPolicy?alt=json",
        409,
        "ABORTED",
        "There were concurrent policy changes. Please retry the whole read-modify-write with "
        "exponential backoff.",
    ),
    "field is busy": Text(
        "ABORTED: Please retry, underlying data changed",
        FIRESTORE + "/(default)/collectionGroups/jobs/fields/{name}?alt=json&updateMask=ttlConfig",
        409,
        "ABORTED",
        # https://github.com/hashicorp/terraform-provider-google/issues/16329
        "Please retry, underlying data changed",
    ),
    "builder unknown": Text(
        "Build service account projects/{project}/serviceAccounts/{name} does not exist."
    ),
    "source unreadable": Text(
        "INVALID_ARGUMENT: could not resolve source: googleapi: Error 403: {name} does not have "
        "storage.objects.get access to the Google Cloud Storage object. Permission "
        "'storage.objects.get' denied on resource (or it may not exist)., forbidden",
        BUILDS,
        400,
        "INVALID_ARGUMENT",
        "could not resolve source: googleapi: Error 403: {name} does not have storage.objects.get "
        "access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on "
        "resource (or it may not exist)., forbidden",
    ),
    "secret unreadable": Text(
        "spec.template.spec.containers[0].env[6].value_from.secret_key_ref.name: Permission denied "
        "on secret: projects/{number}/secrets/{name}/versions/latest for Revision service account "
        "{member}. The service account used must be granted the 'Secret Manager Secret Accessor' "
        "role (roles/secretmanager.secretAccessor) at the secret, project or higher level."
    ),
    "secret without version": Text(
        "spec.template.spec.containers[0].env[6].value_from.secret_key_ref.name: Secret "
        "projects/{number}/secrets/{name}/versions/latest was not found"
    ),
    "database just deleted": Text(
        "FAILED_PRECONDITION: Database ID '(default)' is not available in project '{project}'. "
        "Please retry in {seconds} seconds.",
        FIRESTORE + "?alt=json&databaseId=(default)",
        400,
        "FAILED_PRECONDITION",
        "Database ID '(default)' is not available in project '{project}'. Please retry in "
        "{seconds} seconds.",
    ),
    # What is not allowed.
    "no billing": Text(
        "FAILED_PRECONDITION: Billing account for project '{number}' is not found. Billing must be "
        "enabled for activation of service(s) '{name}' to proceed.\n"
        "- '@type': type.googleapis.com/google.rpc.PreconditionFailure\n"
        "  violations:\n"
        "  - subject: '110002'\n"
        "    type: googleapis.com\n"
        "- '@type': type.googleapis.com/google.rpc.ErrorInfo\n"
        "  domain: serviceusage.googleapis.com/billing-enabled\n"
        "  reason: UREQ_PROJECT_BILLING_NOT_FOUND",
        "https://serviceusage.googleapis.com/v1/projects/{project}/services:batchEnable?alt=json",
        400,
        "FAILED_PRECONDITION",
        "Billing account for project '{number}' is not found. Billing must be enabled for "
        "activation of service(s) '{name}' to proceed.",
        (
            {
                "@type": PRECONDITION,
                "violations": [{"type": "googleapis.com", "subject": "110002"}],
            },
            {
                "@type": ERROR_INFO,
                "domain": "serviceusage.googleapis.com/billing-enabled",
                "reason": "UREQ_PROJECT_BILLING_NOT_FOUND",
            },
        ),
    ),
    "no billing rights": Text(
        "[owner@example.com] does not have permission to access billingAccounts instance [{name}] "
        f"(or it may not exist): The caller does not have permission. {OWNER}",
        BUDGETS,
        403,
        "PERMISSION_DENIED",
        "The caller does not have permission",
    ),
    "everybody forbidden": Text(
        "FAILED_PRECONDITION: One or more users named in the policy do not belong to a permitted "
        "customer,  perhaps due to an organization policy.",
        "https://run.googleapis.com/v1/projects/{project}/locations/{region}/services/{name}"
        ":setIamPolicy?alt=json",
        400,
        "FAILED_PRECONDITION",
        "One or more users named in the policy do not belong to a permitted customer,  perhaps due "
        "to an organization policy.",
    ),
    "unasked forbidden": Text(
        "FAILED_PRECONDITION: Operation denied by org policy: [constraints/"
        "run.managed.requireInvokerIam]",
        RUN + "/{name}?alt=json",
        400,
        "FAILED_PRECONDITION",
        "Operation denied by org policy: [constraints/run.managed.requireInvokerIam]",
    ),
    "identities forbidden": Text(
        "FAILED_PRECONDITION: Service account creation is not allowed on this project.",
        IAM + "?alt=json",
        400,
        "FAILED_PRECONDITION",
        "Service account creation is not allowed on this project.",
    ),
    "no builds here": Text(
        "FAILED_PRECONDITION: due to quota restrictions, Cloud Build cannot run builds in this "
        "region, see https://cloud.google.com/build/docs/locations#restricted_regions_for_some_"
        "projects or contact support",
        BUILDS,
        400,
        "FAILED_PRECONDITION",
        "due to quota restrictions, Cloud Build cannot run builds in this region, see "
        "https://cloud.google.com/build/docs/locations#restricted_regions_for_some_projects or "
        "contact support",
    ),
    "no more processors": Text("Quota exceeded for total allowable CPU per project per region."),
    # What is not heard.
    "no network": Text(
        "gcloud crashed (ConnectionError): HTTPSConnectionPool(host='{api}', port=443): Max "
        'retries exceeded with url: /v1 (Caused by NameResolutionError("Failed to resolve '
        "'{api}' ([Errno -3] Temporary failure in name resolution)\"))"
    ),
    "broken off": Text(
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection without "
        "response'))\nThis may be due to network connectivity issues. Please check your network "
        "settings, and the status of the service you are trying to reach."
    ),
}
