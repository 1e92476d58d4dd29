"""The steps for Cloud Run: images and services. What an owner has set by hand besides stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from deploy.functions import CAP, DEPLOYED, PREFIX, Caller, FunctionSpec, function
from deploy.identities import BUILDER
from deploy.steps import NEEDED, Command, Step, named
from deploy.target import Target

#: A fetched bundle lies in the instance's memory; this is room for each of up to so much.
FETCHED_MODEL_MIB = 1024
CLEANUP_FILE = Path(__file__).with_name("cleanup-policy.json")
LIFECYCLE_FILE = Path(__file__).with_name("uploads-lifecycle.json")
#: The build's layers lose their files' dates, so Python would compile our own modules anew at each
#: start: with this variable compiled files are told by their source's digest instead (PEP 552).
BUILD_VARIABLES = "SOURCE_DATE_EPOCH=1577836800"


def image_repository(target: Target) -> Iterator[Step]:
    """The images' repository; only the newest few are kept, because they are what costs."""
    where = (f"--location={target.region}", *target.in_project)
    how = ("--repository-format=docker",)
    yield named("Repository of images", "artifacts repositories", PREFIX, where, create=how)
    policy = (PREFIX, f"--policy={CLEANUP_FILE}", "--no-dry-run", *where)
    create = ("artifacts", "repositories", "set-cleanup-policies", *policy)
    yield Step("Old images are deleted", create)


def functions(target: Target, build: Path) -> Iterator[Step]:
    """The services, each from its function's staged folder, or from an image built before.

    After a return to an older version a service keeps serving that one, whatever is deployed,
    until it is told otherwise.
    """
    built: dict[str, str] = {}
    for spec in DEPLOYED:
        step = service(target, spec, build)
        built_by = built.setdefault(spec.name, spec.service)
        if built_by != spec.service:
            image = "value(spec.template.spec.containers[0].image)"
            describe = ("run", "services", "describe", built_by, f"--format={image}")
            step = replace(
                step,
                needs=(*describe, *target.in_region),
                create=_deploy(target, spec, (f"--image={NEEDED}",)),
                otherwise=step.create,
            )
        yield step
        latest = ("run", "services", "update-traffic", spec.service, "--to-latest")
        yield Step(f"{spec.service} serves what was deployed last", (*latest, *target.in_region))


def service(target: Target, spec: FunctionSpec, build: Path) -> Step:
    """One service from its function's staged folder."""
    return Step(
        title=f"Service {spec.service}",
        create=_deploy(target, spec, _source(target, spec, build / spec.folder)),
        remove=("run", "services", "delete", spec.service, *target.in_region),
    )


def uploads(target: Target) -> Iterator[Step]:
    """What `gcloud run deploy` leaves in its bucket: deleted after a while, and at the end."""
    bucket = f"gs://run-sources-{target.project}-{target.region}"
    update = ("storage", "buckets", "update", bucket, f"--lifecycle-file={LIFECYCLE_FILE}")
    yield Step("Old uploads are deleted", (*update, *target.in_project))
    for spec in (*DEPLOYED, *([CAP] if target.cap else [])):
        folder = f"{bucket}/services/{spec.service}"
        remove = ("storage", "rm", "--recursive", folder, *target.in_project)
        yield Step(f"Uploaded sources of {spec.service}", remove=remove)


def regions(target: Target) -> Command:
    """Prints the region of each service that there is, in whatever region."""
    which = f"--filter=metadata.name~^{PREFIX}-"
    return ("run", "services", "list", which, "--format=value(region)", *target.in_project)


def settings(target: Target, spec: FunctionSpec) -> dict[str, str]:
    """The variables of one service."""
    values = {
        "VERSEQUEUE_BACKEND": "gcp",
        "VERSEQUEUE_PROJECT": target.project,
        "VERSEQUEUE_SUBMIT_URL": target.url(function("submit")),
        "VERSEQUEUE_RESULTS_URL": target.url(function("results")),
        "VERSEQUEUE_MODEL": target.model_setting,
    }
    if spec.caller is Caller.ANYONE:
        values["VERSEQUEUE_CORS_ORIGINS"] = " ".join(target.cors_origins)
        values["VERSEQUEUE_TRUSTED_PROXIES"] = str(target.trusted_proxies)
        values["VERSEQUEUE_READS_PER_MINUTE"] = str(target.reads_per_minute)
    if spec.name == "submit":
        values["VERSEQUEUE_RATE_PER_MINUTE"] = str(target.rate_per_minute)
        values["VERSEQUEUE_DAILY_BUDGET"] = str(target.daily_budget)
    if spec.needs_model:
        values["VERSEQUEUE_DATA_DIR"] = "/tmp/versequeue"  # noqa: S108, the only writable place
    values |= spec.size.variables | dict(spec.variables)
    return {name: value for name, value in values.items() if value}


def _source(target: Target, spec: FunctionSpec, folder: Path) -> Command:
    """Build from a folder, with our own identity and into our own repository."""
    builder = f"projects/{target.project}/serviceAccounts/{target.account(BUILDER)}"
    return (
        f"--source={folder}",
        f"--function={spec.name}",
        f"--image={target.images}",
        f"--build-service-account={builder}",
        f"--update-build-env-vars={BUILD_VARIABLES}",
    )


def _deploy(target: Target, spec: FunctionSpec, image: Command) -> Command:
    variables = [f"{name}={value}" for name, value in settings(target, spec).items()]
    mounted = [f"{name}={secret}:latest" for name, secret in spec.secrets]
    memory_mib = spec.size.memory_mib
    if spec.needs_model:
        memory_mib = target.memory_mib + FETCHED_MODEL_MIB * len(target.fetched_models)
    flags = (
        *image,
        f"--base-image={target.runtime}",
        f"--service-account={target.account(spec.name)}",
        f"--cpu={spec.size.cpu}",
        f"--memory={memory_mib}Mi",
        f"--concurrency={spec.size.concurrency}",
        f"--timeout={spec.size.timeout_s}",
        "--min-instances=0",
        f"--max-instances={spec.size.max_instances}",
        "--cpu-boost",
        # Who else may call is a step of its own, since an organization can refuse it.
        *(["--no-allow-unauthenticated"] if spec.caller is Caller.GOOGLE else []),
        f"--update-env-vars=^|^{'|'.join(variables)}",
        *([f"--update-secrets={','.join(mounted)}"] if mounted else []),
        f"--labels=app={PREFIX}",
        *target.in_region,
    )
    return ("run", "deploy", spec.service, *flags)
