"""The figures as Prometheus reads them, in OpenMetrics or in its older text.

Labels are of fixed lists and of the models that the owner has named: no caller can add to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder

from versequeue import __version__
from versequeue.owner.figures import Figures
from versequeue.rules import totals
from versequeue.rules.channels import Channel

PREFIX = "versequeue"


@dataclass(frozen=True)
class _Registry:
    """As much of a registry as an encoder asks for."""

    figures: Figures

    def collect(self) -> Iterator[Metric]:
        """Every family, one after the other."""
        return families(self.figures)


def exposition(figures: Figures, accept: str) -> tuple[bytes, str]:
    """The text and its content type, in the format that the `Accept` header prefers."""
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:  # the library compares a version that is no number
        encode, content_type = choose_encoder("")
    return encode(_Registry(figures)), content_type


def families(figures: Figures) -> Iterator[Metric]:
    """Every metric with its samples; those that have not happened yet are 0."""
    ever = figures.ever
    yield _gauge("build_info", "The version that answers.", {"version": __version__}, 1)
    yield from _now(figures)
    yield _counters("jobs", "Jobs that have ended.", "end", {
        status.value: ever.get(totals.end_of(status), 0) for status in totals.ENDS
    })  # fmt: skip
    queued = "Seconds from being asked for to the claim, of songs that were written."
    yield _histogram("job_queue_seconds", queued, totals.QUEUED, figures)
    whole = "Seconds from being asked for to the end, of songs that were written."
    yield _histogram("job_seconds", whole, totals.WHOLE, figures)
    yield _counter("cold_starts", "Workers that had to start for a job.", ever, "cold_starts")
    yield _counter("lines", "Lines that were written.", ever, "lines")
    yield _counter("tokens", "Tokens that were drawn.", ever, "tokens")
    yield _counter("worker_seconds", "Time of workers for jobs that ended.", ever, "worker_s")
    yield _counter("cost_dollars", "Cost of jobs that ended, at list prices.", ever, "usd")
    yield _deliveries(figures)
    yield _counters("sweep_repairs", "What the sweep did.", "repair", {
        what: ever.get(totals.repair(what), 0) for what in totals.REPAIRS
    })  # fmt: skip


def _now(figures: Figures) -> Iterator[Metric]:
    awake = int(figures.worker.worker == "warm")
    yield _gauge("worker_awake", "Whether a worker was seen lately.", {}, awake)
    yield _gauge("jobs_queued", "Jobs that wait.", {}, figures.queued)
    yield _gauge("jobs_running", "Jobs that are written.", {}, figures.running)
    oldest = "How long the oldest of the queue has waited."
    yield _gauge("queue_age_seconds", oldest, {}, figures.oldest_s)
    line = "Seconds for a line that need not rhyme, as measured lately."
    found = GaugeMetricFamily(f"{PREFIX}_line_seconds", line, labels=("model", "effort"))
    for model, pace in sorted(figures.worker.paces.items()):
        for effort, seconds in sorted(pace.line_s.items()):
            found.add_metric((model or figures.usual_model, effort), seconds)
    yield found


def _deliveries(figures: Figures) -> Metric:
    told = "Attempts to tell of an end by webhook or push."
    found = CounterMetricFamily(f"{PREFIX}_deliveries", told, labels=("channel", "result"))
    for channel in Channel:
        for result in totals.RESULTS:
            count = figures.ever.get(totals.delivery(channel, result), 0)
            found.add_metric((channel.value, result), count)
    return found


def _gauge(name: str, about: str, labels: dict[str, str], value: float) -> Metric:
    found = GaugeMetricFamily(f"{PREFIX}_{name}", about, labels=tuple(labels))
    found.add_metric(tuple(labels.values()), value)
    return found


def _counter(name: str, about: str, ever: totals.Totals, key: str) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", about, value=ever.get(key, 0))


def _counters(name: str, about: str, label: str, counts: dict[str, float]) -> Metric:
    found = CounterMetricFamily(f"{PREFIX}_{name}", about, labels=(label,))
    for word, count in counts.items():
        found.add_metric((word,), count)
    return found


def _histogram(name: str, about: str, wait: str, figures: Figures) -> Metric:
    bounds = (*totals.WAITS_S, totals.LONGER)
    counts = accumulate(figures.ever.get(totals.bucket(wait, bound), 0) for bound in bounds)
    named = [*(str(float(bound)) for bound in totals.WAITS_S), "+Inf"]
    whole_s = figures.ever.get(totals.bucket(wait, "sum"), 0.0)
    found = HistogramMetricFamily(f"{PREFIX}_{name}", about)
    found.add_metric((), list(zip(named, counts, strict=True)), whole_s)
    return found
