"""A process's one store and queue. Only what they need is imported: each library takes its time."""

from functools import cache
from os.path import isfile
from pathlib import Path

from versequeue.clock import utc_now
from versequeue.config import PRESETS, Settings
from versequeue.logs import configure_logging
from versequeue.named_models import NamedModel
from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.service.batches import Batches
from versequeue.service.jobs import Jobs
from versequeue.service.reads import Reads
from versequeue.service.seats import Seats
from versequeue.service.worker import WorkerSide


@cache
def settings() -> Settings:
    """The settings of this process. Raises StartupError if one cannot be read."""
    found = Settings.from_environ()
    configure_logging(found.log_level, found.project)
    return found


@cache
def store() -> Store:
    """The one store of this process. Raises StartupError if it cannot be opened."""
    found = settings()
    if found.backend == "gcp":
        from versequeue.backends.firestore_store import FirestoreStore

        return FirestoreStore(found.project)
    from versequeue.backends.sqlite_store import SqliteStore

    return SqliteStore(found.data_dir / "store.sqlite3")


@cache
def queue() -> Queue:
    """The one queue of this process. Raises StartupError if it cannot be opened."""
    found = settings()
    if found.backend == "gcp":
        from versequeue.backends.pubsub_queue import PubSubQueue

        return PubSubQueue(found.project)
    from versequeue.backends.sqlite_queue import SqliteQueue

    return SqliteQueue(found.data_dir / "queue.sqlite3", utc_now)


@cache
def seats() -> Seats:
    """Where requests of this process wait, whatever they wait for."""
    return Seats(settings().waiters)


@cache
def reads() -> Reads:
    """What each caller has left to read, whichever function of this process reads it."""
    return Reads(settings().reads_per_minute)


def jobs() -> Jobs:
    """The callers' side of jobs. Raises StartupError where callers' hashes have no key."""
    settings().check_hash_key()
    return Jobs(store(), queue(), settings(), shared_seats=seats())


def batches() -> Batches:
    """The callers' side of batches. Raises StartupError where callers' hashes have no key."""
    settings().check_hash_key()
    return Batches(store(), queue(), settings(), shared_seats=seats())


def worker_side(worker: str) -> WorkerSide:
    """The worker's side over this process's store and queue."""
    return WorkerSide(store(), queue(), settings(), worker)


def model_folder(found: Settings, model: NamedModel) -> Path:
    """Where a model's bundle lies: in its own folder, or in that which it is built or fetched into.

    One in a bucket is fetched first, and raises as `fetch_bundle` does.
    """
    models = found.data_dir / "models"
    if model.place.startswith("gs://"):
        from versequeue.backends.model_bucket import fetch_bundle, open_bucket

        bucket = open_bucket(model.place, found.storage_url)
        # Each of several has a folder of its own, or one would be fetched over the other.
        own = models / "fetched" / found.told_model(model.name)
        return fetch_bundle(bucket, own)
    built = _built_name(model.place)
    if built is None:
        return Path(model.place)
    # Models of others are often called alike: one would be built over the other.
    alike = {each.place for each in found.models if _built_name(each.place) == built}
    return models / (built if alike <= {model.place} else f"{built}@{model.name}")


def _built_name(place: str) -> str | None:
    """What the folder is called that this model is built into; None if it is a bundle itself."""
    path = Path(place)
    if place in PRESETS:
        return place
    if path.suffix == ".gguf":
        return f"gguf-{path.stem}"
    return f"from-{path.name}" if place.startswith("hf:") or _is_checkpoint(path) else None


def _is_checkpoint(folder: Path) -> bool:
    """Whether this is a model as others store it, of which a bundle is to be built."""
    # Not Path.is_file, which raises for a name that is too long to be one.
    return isfile(folder / "config.json") and not isfile(folder / "bundle.json")
