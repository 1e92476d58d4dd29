"""The five functions as data: what is uploaded for each, and what it may touch."""

from dataclasses import dataclass, replace
from enum import StrEnum

from versequeue.functions.sizes import SIZES, STANDARD, Size

PREFIX = "versequeue"
#: Where the staged worker finds its models, relative to its main.py.
MODEL_FOLDER = "model"


class Database(StrEnum):
    """A function's right to the job store, as the role that Google Cloud has for it."""

    READ = "roles/datastore.viewer"
    WRITE = "roles/datastore.user"


class Caller(StrEnum):
    """Who may call a function."""

    ANYONE = "anyone"
    #: Pub/Sub and the scheduler, by the identity made for them
    GOOGLE = "google"


@dataclass(frozen=True)
class FunctionSpec:
    """One deployable function."""

    #: also the identity's name, after the prefix, and the entry point in `<name>_fn/main.py`
    name: str
    #: `http` or `cloudevent`, as functions-framework calls them
    signature: str = "http"
    #: top-level packages that are staged beside main.py
    packages: tuple[str, ...] = ("versequeue",)
    caller: Caller = Caller.GOOGLE
    database: Database | None = Database.WRITE
    #: topics that it publishes to
    publishes: tuple[str, ...] = ()
    #: environment variable -> secret's name
    secrets: tuple[tuple[str, str], ...] = ()
    #: what one instance has, how many there may be, and what its process is told of it
    size: Size = STANDARD
    #: the service's name, after the prefix, where it is not the function's
    deployed_as: str = ""
    #: environment variables of this service alone
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def needs_model(self) -> bool:
        """Whether a model is staged with it, or fetched by it."""
        return self.size.has_model

    @property
    def folder(self) -> str:
        """The source folder, at the top of the repository and under build/."""
        return f"{self.name}_fn"

    @property
    def service(self) -> str:
        """The Cloud Run service's name."""
        return f"{PREFIX}-{self.deployed_as or self.name}"


WEBHOOK_SECRET = f"{PREFIX}-webhook-secret"
HASH_KEY = f"{PREFIX}-hash-key"
#: Pushes to browsers are signed with it, and pages subscribe with its public half.
PUSH_KEY = f"{PREFIX}-push-key"
#: What the page's host shows, so that its word on a caller's address is taken.
PAGE_SECRET = f"{PREFIX}-page-secret"
#: Whoever counts what a visitor asks for must know one from another behind the page's host, too.
TELLS_VISITORS_APART = (("VERSEQUEUE_HASH_KEY", HASH_KEY), ("VERSEQUEUE_PAGE_SECRET", PAGE_SECRET))

FUNCTIONS = (
    FunctionSpec(
        name="submit",
        size=SIZES["submit"],
        caller=Caller.ANYONE,
        publishes=("jobs", "bulk", "notify"),
        secrets=TELLS_VISITORS_APART,
    ),
    FunctionSpec(
        name="results",
        size=SIZES["results"],
        # Of the lyricist only what knows how words sound.
        packages=("versequeue", "lyricist"),
        caller=Caller.ANYONE,
        database=Database.READ,
        secrets=(*TELLS_VISITORS_APART, ("VERSEQUEUE_PUSH_KEY", PUSH_KEY)),
    ),
    FunctionSpec(
        name="worker",
        size=SIZES["worker"],
        signature="cloudevent",
        packages=("worker_fn", "versequeue", "lyricist"),
        # Jobs that were tried before are sent on alone: rows to bulk, a single visitor's to jobs.
        publishes=("jobs", "bulk", "notify"),
    ),
    FunctionSpec(
        name="notify",
        size=SIZES["notify"],
        signature="cloudevent",
        secrets=(
            ("VERSEQUEUE_WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("VERSEQUEUE_PUSH_KEY", PUSH_KEY),
        ),
    ),
    FunctionSpec(
        name="sweep",
        size=SIZES["sweep"],
        publishes=("jobs", "bulk", "notify"),
    ),
)


#: Deployed only with `--cap`: it takes the project off its billing account.
CAP = FunctionSpec(
    name="cap",
    size=replace(STANDARD, concurrency=1, max_instances=1),
    signature="cloudevent",
    packages=("cap_fn", "versequeue"),
    database=None,
)


def function(name: str) -> FunctionSpec:
    """The function called `name`. Raises KeyError."""
    return {spec.name: spec for spec in FUNCTIONS}[name]


#: What runs: each function, and the worker a second time for batches, from the same source and
#: with the same rights. Its instances are its own, so that a batch and its messages that come
#: again never take the place of somebody who waits for one song.
DEPLOYED = (
    *FUNCTIONS,
    replace(
        function("worker"),
        size=SIZES["bulk"],
        deployed_as="bulk",
        variables=(("VERSEQUEUE_BULK_ONLY", "1"),),
    ),
)


def deployed(name: str) -> FunctionSpec:
    """What runs as the service `versequeue-<name>`. Raises KeyError."""
    return {spec.service: spec for spec in DEPLOYED}[f"{PREFIX}-{name}"]
