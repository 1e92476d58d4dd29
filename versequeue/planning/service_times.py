"""How long things take: measured (`python -m bench service` writes that half) and assumed."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.options import Effort, ResolvedOptions
from versequeue.rules.waits import Pace, Work, pass_s

#: A worker gets so much more memory than was seen to be used, and that is sold in such steps.
MEMORY_TO_SPARE, MEMORY_BESIDE_MIB, MEMORY_STEP_GIB = 1.2, 200, 0.5
SERVICE_TIMES_PATH = Path(__file__).with_name("service_times.json")


@dataclass(frozen=True)
class Measured:
    """Durations of the real programs on the machine that the file names."""

    #: Threads of the model runtime in these measurements.
    threads: int
    #: From the worker's process start to the first line stored, with the message already there.
    worker_first_line_s: float
    #: (songs written together, seconds until each of them has one more line), rising.
    seconds_per_line: tuple[tuple[int, float], ...]
    #: From process start to the first answer of a function without a model.
    light_start_s: float
    submit_request_s: float
    results_request_s: float


@dataclass(frozen=True)
class Assumed:
    """The deployment's settings, and what cannot be measured away from the cloud."""

    platform_start_s: float
    #: Of a worker's own start, all that is not the model's: the framework, the claim.
    framework_start_s: float
    #: How long the platform keeps an instance that has nothing to do.
    platform_idle_s: float
    worker_vcpu: float
    worker_gib: float
    light_vcpu: float
    light_gib: float
    sweep_period_s: float
    sweep_request_s: float
    message_bytes: int
    poll_bytes: int
    job_kib: float
    retention_days: float
    #: The share of a machine's cores that can be used before its queue grows without end.
    machine_busy_share: float
    images_gb: float
    bundle_gb: float
    source: str

    @property
    def gib_per_daily_job(self) -> float:
        """GiB that the store keeps for each job a day, until the end of its retention."""
        return self.retention_days * self.job_kib / 2**20


@dataclass(frozen=True)
class ModelTimes:
    """What `python -m lyricist measure` tells of a bundle."""

    digest: str
    date: str
    machine: str
    threads: int
    first_line_s: float
    seconds_per_line: dict[str, float]
    peak_mib: float
    bundle_bytes: int


@dataclass(frozen=True)
class ServiceTimes:
    date: str
    machine: str
    source: str
    measured: Measured
    assumed: Assumed

    def line_s(self, streams: int) -> float:
        """Seconds in which `streams` songs written together gain a line each; linear between."""
        points = self.measured.seconds_per_line
        if not 1 <= streams <= JOBS_PER_MESSAGE:
            raise ValueError(f"streams must be 1 to {JOBS_PER_MESSAGE}, not {streams}")
        for (low, low_s), (high, high_s) in pairwise(points):
            if low <= streams <= high:
                return low_s + (high_s - low_s) * (streams - low) / (high - low)
        return points[0][1] * streams / points[0][0]

    def song_s(self, lines: int, streams: int) -> float:
        """Seconds in which a warm worker writes `streams` songs of `lines` lines together."""
        alone_s = self.line_s(1)
        added_s = (self.line_s(streams) - alone_s) / max(1, streams - 1)
        pace = Pace({"quick": alone_s}, beside=added_s / alone_s)
        return pass_s([Work(lines)] * streams, pace)

    def at_effort(self, effort: Effort) -> "ServiceTimes":
        """The times of songs of another effort than the quick one that was measured."""
        if effort == "quick":
            return self
        scheme = ResolvedOptions.rhyme_scheme
        quick_s = self.line_s(1) / Work(1, scheme=scheme).size
        pace = Pace({"quick": quick_s}, lanes=self.measured.threads)
        points = tuple(
            (streams, pass_s([Work(1, effort, scheme=scheme)] * streams, pace))
            for streams, _ in self.measured.seconds_per_line
        )
        first_s = self.measured.worker_first_line_s + points[0][1] - self.line_s(1)
        slower = replace(self.measured, seconds_per_line=points, worker_first_line_s=first_s)
        return replace(self, measured=slower)

    def of_model(self, model: "ModelTimes") -> "ServiceTimes":
        """The times of another model, and the memory that its worker needs."""
        needed_gib = (model.peak_mib * MEMORY_TO_SPARE + MEMORY_BESIDE_MIB) / 1024
        return replace(
            self,
            date=model.date,
            machine=model.machine,
            source=f"`python -m lyricist measure`, once, {model.digest}",
            measured=replace(
                self.measured,
                threads=model.threads,
                worker_first_line_s=model.first_line_s + self.assumed.framework_start_s,
                seconds_per_line=_points(model.seconds_per_line),
            ),
            assumed=replace(
                self.assumed,
                worker_gib=max(self.assumed.worker_gib, round_up(needed_gib, MEMORY_STEP_GIB)),
                bundle_gb=round(model.bundle_bytes / 1e9, 3),
            ),
        )

    @property
    def worker_start_s(self) -> float:
        """Seconds that a cold worker needs before it writes, the platform's own start with them."""
        process_s = max(0.0, self.measured.worker_first_line_s - self.line_s(1))
        return self.assumed.platform_start_s + process_s

    @property
    def light_start_s(self) -> float:
        """Seconds that a cold function without a model needs before it serves."""
        return self.assumed.platform_start_s + self.measured.light_start_s


def message_sizes(jobs: int) -> list[int]:
    """The numbers of jobs in the messages that carry `jobs` jobs submitted as one file."""
    full, rest = divmod(jobs, JOBS_PER_MESSAGE)
    return [JOBS_PER_MESSAGE] * full + ([rest] if rest else [])


def round_up(seconds: float, step_s: float) -> float:
    """`seconds` as billed: the next multiple of `step_s`."""
    return math.ceil(round(seconds / step_s, 6)) * step_s


def load_service_times() -> ServiceTimes:
    """The times in service_times.json; TypeError where a field is missing or unknown."""
    raw: dict[str, Any] = json.loads(SERVICE_TIMES_PATH.read_text(encoding="utf-8"))
    measured = dict(raw["measured"])
    points = _points(measured.pop("seconds_per_line"))
    return ServiceTimes(
        date=raw["date"],
        machine=raw["machine"],
        source=raw["source"],
        measured=Measured(seconds_per_line=points, **measured),
        assumed=Assumed(**raw["assumed"]),
    )


def _points(per_line: Mapping[str, float]) -> tuple[tuple[int, float], ...]:
    return tuple(sorted((int(songs), float(s)) for songs, s in per_line.items()))
