"""The list prices in prices.json: one dated file, each entry with the page it comes from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DAYS_PER_MONTH = 365.25 / 12
GIB = 2**30
PRICES_PATH = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class RunPrices:
    """Cloud Run, request-based: an instance costs while it starts or serves, less while kept."""

    vcpu_second: float
    gib_second: float
    idle_vcpu_second: float
    idle_gib_second: float
    million_requests: float
    free_vcpu_seconds_per_month: float
    free_gib_seconds_per_month: float
    free_requests_per_month: float
    #: What a request's time is rounded up to.
    rounding_s: float
    source: str


@dataclass(frozen=True)
class PubSubPrices:
    tib: float
    minimum_bytes_per_request: int
    free_gib_per_month: float
    source: str

    def counted_bytes(self, message_bytes: int) -> int:
        """What a message counts as, on the bill and against the quota."""
        return max(self.minimum_bytes_per_request, message_bytes)


@dataclass(frozen=True)
class FirestorePrices:
    reads_per_100k: float
    writes_per_100k: float
    deletes_per_100k: float
    gib_month: float
    free_reads_per_day: float
    free_writes_per_day: float
    free_gib: float
    source: str


@dataclass(frozen=True)
class DiskPrices:
    """A store billed by the gigabyte and month: Cloud Storage, Artifact Registry."""

    gb_month: float
    free_gb: float
    source: str


@dataclass(frozen=True)
class SchedulerPrices:
    job_month: float
    free_jobs: int
    source: str


@dataclass(frozen=True)
class EgressPrices:
    gib: float
    free_gib_per_month: float
    source: str


@dataclass(frozen=True)
class Machine:
    """A virtual machine that runs all day."""

    month: float
    #: Cores that it may use around the clock; a burstable type has fewer than it shows.
    sustained_vcpu: float
    source: str


@dataclass(frozen=True)
class Quota:
    """Where a service stops, whatever one would pay."""

    limit: float
    source: str


@dataclass(frozen=True)
class Prices:
    date: str
    note: str
    run: RunPrices
    pubsub: PubSubPrices
    firestore: FirestorePrices
    storage: DiskPrices
    artifact_registry: DiskPrices
    scheduler: SchedulerPrices
    egress: EgressPrices
    machines: dict[str, Machine]
    quotas: dict[str, Quota]


def load_prices() -> Prices:
    """The prices in prices.json; TypeError where a field is missing or unknown."""
    raw: dict[str, Any] = json.loads(PRICES_PATH.read_text(encoding="utf-8"))
    return Prices(
        date=raw["date"],
        note=raw["note"],
        run=RunPrices(**raw["cloud_run"]),
        pubsub=PubSubPrices(**raw["pubsub"]),
        firestore=FirestorePrices(**raw["firestore"]),
        storage=DiskPrices(**raw["storage"]),
        artifact_registry=DiskPrices(**raw["artifact_registry"]),
        scheduler=SchedulerPrices(**raw["scheduler"]),
        egress=EgressPrices(**raw["egress"]),
        machines={name: Machine(**entry) for name, entry in raw["machines"].items()},
        quotas={name: Quota(**entry) for name, entry in raw["quotas"].items()},
    )
