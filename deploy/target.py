"""Where a deployment goes, and every name that follows from it."""

from dataclasses import dataclass

from deploy.functions import MODEL_FOLDER, PREFIX, FunctionSpec
from versequeue.functions.sizes import WORKER
from versequeue.named_models import NamedModel, as_text

BUCKET = "gs://"


@dataclass(frozen=True)
class Target:
    """One deployment. `project_number` is looked up from the project."""

    project: str
    region: str
    project_number: str
    #: each in gs://bucket/prefix, or in a folder of the staged worker
    models: tuple[NamedModel, ...] = (NamedModel("default", MODEL_FOLDER),)
    #: of each instance of the worker, beside what the models that it fetches take
    memory_mib: int = WORKER.memory_mib
    #: a month, in the billing account's currency; 0 leaves out the alert
    budget: str = "5"
    #: the project is taken off its billing account when the budget is spent
    cap: bool = False
    #: songs a day, over all visitors
    daily_budget: int = 500
    rate_per_minute: int = 20
    reads_per_minute: int = 1200
    #: pages that may call submit and results from another origin
    cors_origins: tuple[str, ...] = ()
    #: proxies that a direct call passes: Google's own
    trusted_proxies: int = 1
    runtime: str = "python313"
    sweep_schedule: str = "* * * * *"
    dead_letter_retention: str = "14d"

    def url(self, spec: FunctionSpec) -> str:
        """A service's address, known before it is deployed."""
        return f"https://{spec.service}-{self.project_number}.{self.region}.run.app"

    def account(self, name: str) -> str:
        """The address of the service account `versequeue-<name>`."""
        return f"{PREFIX}-{name}@{self.project}.iam.gserviceaccount.com"

    @property
    def in_project(self) -> tuple[str, ...]:
        """The argument by which gcloud looks into this project and no other."""
        return (f"--project={self.project}",)

    @property
    def in_region(self) -> tuple[str, ...]:
        """The arguments for what gcloud looks for in one region of it."""
        return (f"--region={self.region}", *self.in_project)

    def member(self, name: str) -> str:
        """That service account as IAM spells it."""
        return f"serviceAccount:{self.account(name)}"

    @property
    def pubsub_agent(self) -> str:
        """Pub/Sub's own identity in this project: it signs pushes and moves dead letters."""
        return f"serviceAccount:service-{self.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"

    @property
    def images(self) -> str:
        """The repository in Artifact Registry that holds the built images."""
        return f"{self.region}-docker.pkg.dev/{self.project}/{PREFIX}"

    @property
    def model_setting(self) -> str:
        """The models as every service is told of them."""
        return as_text(self.models)

    @property
    def fetched_models(self) -> tuple[NamedModel, ...]:
        """Those that an instance of the worker fetches."""
        return tuple(model for model in self.models if model.place.startswith(BUCKET))

    @property
    def model_buckets(self) -> tuple[str, ...]:
        """The buckets of those, each once."""
        buckets = (model.place.removeprefix(BUCKET).split("/")[0] for model in self.fetched_models)
        return tuple(dict.fromkeys(buckets))
