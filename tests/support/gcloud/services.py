"""Cloud Run: what a deployment of a service needs, and what it leaves."""

from tests.support.gcloud.calls import Call
from tests.support.gcloud.cloud import Cloud, Refusal

BUILDERS_ROLE = "roles/run.builder"
READERS_ROLE = "roles/secretmanager.secretAccessor"


def deploy(cloud: Cloud, call: Call) -> str:
    """Build an image, or take one, and make a revision of it. Raises Refusal."""
    name = call.words[0]
    image = _built(cloud, call) if call.flag("--source") else call.flag("--image")
    _check_identity(cloud, call)
    _check_processors(cloud, call)
    service = cloud.of("run services").setdefault(name, {"traffic": "latest"})
    newest = service.get("newest", 0) + 1
    pinned = service.get("traffic", "latest") != "latest"
    serving = service.get("serving", newest) if pinned else newest
    service["region"] = call.flag("--region")
    service |= {"printed": image, "flags": call.kept, "newest": newest, "serving": serving}
    return ""


def describe_image(cloud: Cloud, call: Call) -> str:
    """Print the image that a service runs. Raises Refusal if there is no such service."""
    return str(cloud.thing(call.kind, call.words[0])["printed"])


def list_regions(cloud: Cloud, call: Call) -> str:
    """Print the region of each service."""
    return "\n".join(str(service["region"]) for service in cloud.of(call.kind).values())


def update(cloud: Cloud, call: Call) -> str:
    """Stop asking for a right to call the service. Raises Refusal."""
    if "--no-invoker-iam-check" in call.flags and not cloud.allows_unasked:
        raise Refusal("unasked forbidden", name=call.words[0])
    cloud.thing(call.kind, call.words[0])["unasked"] = True
    return ""


def update_traffic(cloud: Cloud, call: Call) -> str:
    """Let the newest revision serve, or one by its number. Raises Refusal."""
    name = call.words[0]
    service = cloud.thing(call.kind, name, "no run services to delete")
    revision = call.flag("--to-revisions").partition("=")[0]
    service["traffic"] = revision or "latest"
    service["serving"] = int(revision) if revision else service["newest"]
    return ""


def delete_service(cloud: Cloud, call: Call) -> str:
    """Delete a service with the rights to call it. Raises Refusal if it is not there."""
    name = call.words[0]
    service = cloud.thing(call.kind, name, "no run services to delete")
    if service["region"] != call.flag("--region"):
        raise Refusal("no run services to delete", name=name)
    del cloud.of(call.kind)[name]
    for right in [right for right in cloud.rights if right.startswith(f"{call.kind} {name} ")]:
        del cloud.rights[right]
    return ""


def _built(cloud: Cloud, call: Call) -> str:
    """The image that the source becomes; the upload stays in a bucket that is made for it."""
    name, bucket = call.words[0], f"run-sources-{cloud.project}-{call.flag('--region')}"
    builder = call.flag("--build-service-account").rpartition("/")[2]
    member = f"serviceAccount:{builder}"
    if not cloud.knows(member):
        raise Refusal("builder unknown", name=builder)
    cloud.thing("artifacts repositories", call.flag("--image").rpartition("/")[2])
    cloud.of("storage buckets").setdefault(bucket, {})
    cloud.of("uploads")[f"services/{name}"] = {}
    if not cloud.may("projects", cloud.project, member, BUILDERS_ROLE):
        raise Refusal("source unreadable", name=builder)
    if not cloud.builds_here:
        raise Refusal("no builds here")
    return f"{call.flag('--image')}/{name}@sha256:of-{name}"


def _check_identity(cloud: Cloud, call: Call) -> None:
    """Raise Refusal unless the service's identity may read every secret that it is given."""
    identity = call.flag("--service-account")
    member = f"serviceAccount:{identity}"
    if not cloud.knows(member):
        raise Refusal("unknown member", name=identity)
    for mounted in filter(None, call.flag("--update-secrets").split(",")):
        secret = mounted.partition("=")[2].partition(":")[0]
        kept = cloud.of("secrets").get(secret, {})
        if not cloud.may("secrets", secret, member, READERS_ROLE):
            raise Refusal("secret unreadable", name=secret, member=identity)
        if not kept.get("versions"):
            raise Refusal("secret without version", name=secret)


def _check_processors(cloud: Cloud, call: Call) -> None:
    """Raise Refusal if one service alone could take more processors than the region gives."""
    if float(call.flag("--cpu")) * int(call.flag("--max-instances")) > cloud.processors:
        raise Refusal("no more processors")
