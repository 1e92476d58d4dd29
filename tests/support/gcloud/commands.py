"""What each command needs and changes: the table COMMANDS, and those with more to them."""

from collections.abc import Callable
from typing import Any

from tests.support.gcloud import services
from tests.support.gcloud.calls import Call
from tests.support.gcloud.cloud import Cloud, Refusal

DATABASE_REST_S = 300.0
PUBSUB_AGENT = "service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"


def describe(cloud: Cloud, call: Call) -> str:
    """Print the one field that is asked for."""
    thing = _thing(cloud, call, call.words[0])
    return str(thing.get("printed", call.words[0]))


def create(cloud: Cloud, call: Call) -> str:
    """Make a thing. Raises Refusal if it is there."""
    name = call.words[0] if call.words else call.flag("--database")
    if name in cloud.of(call.kind):
        raise Refusal(f"{call.kind} there", name=name, short=name)
    cloud.of(call.kind)[name] = {"flags": call.kept}
    return ""


def update(cloud: Cloud, call: Call) -> str:
    """Change a thing. Raises Refusal if it is not there."""
    thing = cloud.thing(call.kind, call.words[0])
    thing["flags"] = thing["flags"] | call.kept
    return ""


def delete(cloud: Cloud, call: Call) -> str:
    """Remove a thing with the rights on it. Raises Refusal if it is not there."""
    name = call.words[0] if call.words else call.flag("--database")
    _thing(cloud, call, name)
    del cloud.of(call.kind)[name]
    for right in [right for right in cloud.rights if right.startswith(f"{call.kind} {name} ")]:
        del cloud.rights[right]
    return ""


def grant(cloud: Cloud, call: Call) -> str:
    """Give somebody a right. Raises Refusal if there is no such thing, or nobody of that name."""
    name, member = call.words[0], call.flag("--member")
    if call.kind not in ("projects", "storage buckets"):
        cloud.thing(call.kind, name)
    if member == "allUsers" and not cloud.allows_everybody:
        raise Refusal("everybody forbidden", name=name)
    if member != "allUsers" and not cloud.knows(member):
        raise Refusal("unknown member", name=member.removeprefix("serviceAccount:"))
    right = f"{call.kind} {name} {member} {call.flag('--role')}"
    cloud.rights.setdefault(right, cloud.now_s + cloud.iam_spread_s)
    return ""


def withdraw(cloud: Cloud, call: Call) -> str:
    """Take a right back. Raises Refusal if it was not given."""
    right = f"{call.kind} {call.words[0]} {call.flag('--member')} {call.flag('--role')}"
    if right not in cloud.rights:
        raise Refusal("no binding")
    del cloud.rights[right]
    return ""


def nothing(cloud: Cloud, call: Call) -> str:
    """A command whose effect nobody asks for."""
    return ""


def describe_project(cloud: Cloud, call: Call) -> str:
    """Print the project's number and its id: either names it."""
    if call.words[0] not in (cloud.project, cloud.number):
        raise Refusal("no project", project=call.words[0])
    return f"{cloud.number}\t{cloud.project}"


def describe_billing(cloud: Cloud, call: Call) -> str:
    """Print the account that pays for the project; nothing if none does."""
    return cloud.billing


def enable(cloud: Cloud, call: Call) -> str:
    """Switch APIs on; some need somebody who pays."""
    if not cloud.billing:
        raise Refusal("no billing", name=",".join(call.words))
    for api in call.words:
        cloud.apis.setdefault(api, cloud.now_s + cloud.api_spread_s)
    return ""


def create_identity(cloud: Cloud, call: Call) -> str:
    """Make an identity, which is not known everywhere at once."""
    if not cloud.allows_identities:
        raise Refusal("identities forbidden")
    email = f"{call.words[0]}@{cloud.project}.iam.gserviceaccount.com"
    if email in cloud.of(call.kind):
        raise Refusal("iam service-accounts there", name=email, short=call.words[0])
    cloud.of(call.kind)[email] = {"known_at_s": cloud.now_s + cloud.iam_spread_s}
    return ""


def create_agent(cloud: Cloud, call: Call) -> str:
    """Google's own identity for Pub/Sub in this project."""
    email = PUBSUB_AGENT.format(number=cloud.number)
    cloud.of("agents").setdefault(email, {})
    cloud.of("iam service-accounts").setdefault(email, {"known_at_s": cloud.now_s})
    return email


def create_database(cloud: Cloud, call: Call) -> str:
    """Make the database, unless its name has to rest."""
    name = call.flag("--database")
    if (rests_until_s := cloud.resting.get(name, 0.0)) > cloud.now_s:
        raise Refusal("database just deleted", seconds=round(rests_until_s - cloud.now_s))
    return create(cloud, call)


def describe_database(cloud: Cloud, call: Call) -> str:
    """Print the database's name."""
    cloud.thing(call.kind, call.flag("--database"))
    return f"projects/{cloud.project}/databases/{call.flag('--database')}"


def delete_database(cloud: Cloud, call: Call) -> str:
    """Delete the database with its indexes; its name rests for a while."""
    delete(cloud, call)
    cloud.things.pop("firestore indexes composite", None)
    cloud.things.pop("fields", None)
    cloud.resting[call.flag("--database")] = cloud.now_s + DATABASE_REST_S
    return ""


def create_index(cloud: Cloud, call: Call) -> str:
    """Make an index, which has no name of its own."""
    cloud.thing("firestore databases", call.flag("--database"))
    name = " ".join([call.flag("--collection-group"), *call.flags["--field-config"]])
    return create(cloud, Call(call.kind, (name,), call.flags, ""))


def change_field(cloud: Cloud, call: Call) -> str:
    """Set what a field is good for. Raises Refusal while another change of it goes on."""
    cloud.thing("firestore databases", call.flag("--database"))
    name = f"{call.flag('--collection-group')}.{call.words[0]}"
    if cloud.of(call.kind).get(name, {}).get("busy_until_s", 0.0) > cloud.now_s:
        raise Refusal("field is busy", name=call.words[0])
    kept = cloud.of(call.kind).setdefault(name, {"flags": {}})
    kept["flags"] = kept["flags"] | call.kept
    kept["busy_until_s"] = cloud.now_s + cloud.field_change_s
    return ""


def list_locations(cloud: Cloud, call: Call) -> str:
    """Print where Firestore can be, as far as it is asked for."""
    asked = call.flag("--filter").partition("=")[2]
    return "\n".join(each for each in cloud.regions if each == asked)


def describe_version(cloud: Cloud, call: Call) -> str:
    """Print the newest version of a secret. Raises Refusal if it has none."""
    name = call.flag("--secret")
    versions = cloud.thing("secrets", name).get("versions", 0)
    if not versions:
        raise Refusal("no secrets versions", name=name)
    return f"projects/{cloud.number}/secrets/{name}/versions/{versions}"


def add_version(cloud: Cloud, call: Call) -> str:
    """Give a secret another value."""
    secret = cloud.thing("secrets", call.words[0])
    secret["versions"] = secret.get("versions", 0) + 1
    return ""


def create_subscription(cloud: Cloud, call: Call) -> str:
    """Make a subscription to a topic that is there."""
    cloud.thing("pubsub topics", call.flag("--topic"))
    return create(cloud, call)


def list_budgets(cloud: Cloud, call: Call) -> str:
    """Print the budgets' names, for those who may see them."""
    _check_billing_rights(cloud, call)
    return "\n".join(cloud.of("billing budgets"))


def create_budget(cloud: Cloud, call: Call) -> str:
    """Make a budget under a name that Google makes up: nothing keeps a second one away."""
    _check_billing_rights(cloud, call)
    name = f"billingAccounts/{cloud.billing}/budgets/{len(cloud.ran)}"
    cloud.of("billing budgets")[name] = {"flags": call.kept}
    return name


def delete_uploads(cloud: Cloud, call: Call) -> str:
    """Delete a folder of a bucket."""
    bucket, _, folder = call.words[0].removeprefix("gs://").partition("/")
    if bucket not in cloud.of("storage buckets"):
        raise Refusal("no bucket", name=bucket)
    if folder not in cloud.of("uploads"):
        raise Refusal("no objects", name=call.words[0])
    del cloud.of("uploads")[folder]
    if not cloud.of("uploads"):
        del cloud.of("storage buckets")[bucket]
    return ""


def change_bucket(cloud: Cloud, call: Call) -> str:
    """Set a bucket's rules."""
    bucket = call.words[0].removeprefix("gs://")
    cloud.thing("storage buckets", bucket, "no bucket")["flags"] = call.kept
    return ""


def _thing(cloud: Cloud, call: Call, name: str) -> dict[str, Any]:
    """A thing, looked for where the call says. Raises Refusal if it is not there."""
    thing = cloud.thing(call.kind, name)
    where = call.flags.get("--location")
    if where and where != thing["flags"]["--location"]:
        raise Refusal(f"no {call.kind}", name=name)
    return thing


def _check_billing_rights(cloud: Cloud, call: Call) -> None:
    if not cloud.has_billing_rights:
        raise Refusal("no billing rights", name=call.flag("--billing-account"))


Handler = Callable[[Cloud, Call], str]
IAM, FIRESTORE, PUBSUB = "iam.googleapis.com", "firestore.googleapis.com", "pubsub.googleapis.com"
SECRETS, STORAGE = "secretmanager.googleapis.com", "storage.googleapis.com"
IMAGES, SCHEDULER = "artifactregistry.googleapis.com", "cloudscheduler.googleapis.com"
BILLING, BUDGETS, RUN = (
    "cloudbilling.googleapis.com",
    "billingbudgets.googleapis.com",
    "run.googleapis.com",
)
#: What is made, looked for, changed and deleted in the same way, and the API of each.
KINDS = {
    "pubsub topics": PUBSUB,
    "pubsub subscriptions": PUBSUB,
    "secrets": SECRETS,
    "iam service-accounts": IAM,
    "firestore databases": FIRESTORE,
    "artifacts repositories": IMAGES,
    "scheduler jobs": SCHEDULER,
    "run services": RUN,
    "projects": "",
    "storage buckets": STORAGE,
    "billing budgets": BUDGETS,
}
#: What is done to them, and the seconds that it takes.
VERBS: dict[str, tuple[Handler, float]] = {
    "describe": (describe, 1.0),
    "create": (create, 3.0),
    "update": (update, 3.0),
    "delete": (delete, 3.0),
    "add-iam-policy-binding": (grant, 2.0),
    "remove-iam-policy-binding": (withdraw, 2.0),
}
#: The commands with more to them: words -> kind, API, what they do, seconds that they take.
COMMANDS: dict[str, tuple[str, str, Handler, float]] = {
    "projects describe": ("projects", "", describe_project, 1.0),
    "billing projects describe": ("projects", BILLING, describe_billing, 1.0),
    "services enable": ("services", "", enable, 30.0),
    "beta services identity create": ("services", "", create_agent, 2.0),
    "iam service-accounts create": ("iam service-accounts", IAM, create_identity, 3.0),
    "firestore locations list": ("firestore locations", FIRESTORE, list_locations, 1.0),
    "firestore databases create": ("firestore databases", FIRESTORE, create_database, 30.0),
    "firestore databases describe": ("firestore databases", FIRESTORE, describe_database, 1.0),
    "firestore databases delete": ("firestore databases", FIRESTORE, delete_database, 10.0),
    "firestore indexes composite create": (
        "firestore indexes composite",
        FIRESTORE,
        create_index,
        2.0,
    ),
    "firestore indexes fields update": ("fields", FIRESTORE, change_field, 2.0),
    "firestore fields ttls update": ("fields", FIRESTORE, change_field, 2.0),
    "secrets versions describe": ("secrets", SECRETS, describe_version, 1.0),
    "secrets versions add": ("secrets", SECRETS, add_version, 2.0),
    "pubsub subscriptions create": ("pubsub subscriptions", PUBSUB, create_subscription, 3.0),
    "artifacts repositories set-cleanup-policies": ("artifacts repositories", IMAGES, update, 2.0),
    "scheduler jobs create http": ("scheduler jobs", SCHEDULER, create, 3.0),
    "scheduler jobs update http": ("scheduler jobs", SCHEDULER, update, 3.0),
    "billing budgets list": ("billing budgets", BUDGETS, list_budgets, 1.0),
    "billing budgets create": ("billing budgets", BUDGETS, create_budget, 3.0),
    "storage rm": ("uploads", STORAGE, delete_uploads, 3.0),
    "storage buckets update": ("storage buckets", STORAGE, change_bucket, 3.0),
    "run deploy": ("run services", RUN, services.deploy, 150.0),
    "run services list": ("run services", RUN, services.list_regions, 1.0),
    "run services describe": ("run services", RUN, services.describe_image, 1.0),
    "run services update": ("run services", RUN, services.update, 10.0),
    "run services update-traffic": ("run services", RUN, services.update_traffic, 5.0),
    "run services delete": ("run services", RUN, services.delete_service, 5.0),
}
