"""Jobs, batches and a server's status as a person reads them on a terminal. Pure text."""

import textwrap
from dataclasses import asdict
from datetime import datetime

from versequeue.cli.failures import duration
from versequeue.cli.live import job_line
from versequeue.client.types import Batch, Job, ServerStatus

LABEL_WIDTH = 10
TITLE_WIDTH = 60


def job_text(job: Job) -> str:
    """A job: where it is, what it was asked for, what came of it."""
    facts = [("Job", job.id), ("Status", job_line(job)), ("Prompt", job.prompt)]
    if job.created_at:
        facts.append(("Created", _moment(job.created_at)))
    if times := _times(job):
        facts.append(("Times", times))
    if job.output and job.output.receipt:
        receipt = job.output.receipt
        facts.append(("Model", f"{receipt.model}, seed {receipt.seed}"))
    if job.error and job.error.detail:
        facts.append(("Error", job.error.detail))
    blocks = [_labelled(facts)]
    if job.attempt > 1 or (job.error and job.done):
        blocks.append(_timeline(job))
    if job.output:
        blocks.append(f"{job.output.title}\n\n{job.output.lyrics}".strip())
    elif job.preview:
        blocks.append(job.preview)
    return "\n\n".join(blocks)


def batch_text(batch: Batch) -> str:
    """A batch: its status and how many rows are where."""
    numbers = asdict(batch.request_counts)
    total = numbers.pop("total")
    rows = ", ".join(f"{number} {name}" for name, number in numbers.items() if number)
    facts = [
        ("Batch", batch.id),
        ("Status", batch.status.capitalize()),
        ("Rows", f"{total}: {rows}" if rows else str(total)),
    ]
    if batch.created_at:
        facts.append(("Created", _moment(batch.created_at)))
    if batch.eta_seconds and not batch.done:
        facts.append(("Left", f"about {duration(batch.eta_seconds)}"))
    return _labelled(facts)


def server_text(status: ServerStatus) -> str:
    """What a new job has to wait for."""
    wait = status.expected_wait_seconds
    known = [("with a warm worker", wait.warm), ("with a cold one", wait.cold)]
    waits = [f"{duration(seconds)} {which}" for which, seconds in known if seconds is not None]
    jobs = f"{status.queue_depth} {'job' if status.queue_depth == 1 else 'jobs'}"
    facts = [("Worker", status.worker), ("Queue", jobs)]
    if wait.queue:
        facts.append(("Begins", f"in about {duration(wait.queue)}, after those before it"))
    if waits:
        facts.append(("A song", f"takes about {', '.join(waits)}"))
    if status.model:
        facts.append(("Model", status.model))
    if status.models:
        facts.append(("Models", f"{', '.join(status.models)} (--model NAME)"))
    return _labelled(facts)


def finish_line(job: Job) -> str:
    """One line about a song that has just been written."""
    title = job.output.title if job.output else ""
    title = f"“{textwrap.shorten(title, TITLE_WIDTH, placeholder='…')}”" if title else "Written"
    times = _times(job)
    return f"{title} · {times}" if times else title


def _times(job: Job) -> str:
    metrics, parts = job.metrics, []
    if metrics.queue_s is not None:
        parts.append(f"queued {duration(metrics.queue_s)}")
    if metrics.model_load_s:
        parts.append(f"model loaded in {duration(metrics.model_load_s)}")
    if metrics.generate_s is not None:
        parts.append(f"written in {duration(metrics.generate_s)}")
    return ", ".join(parts)


def _timeline(job: Job) -> str:
    lines = []
    for event in job.events:
        detail = f": {event.detail}" if event.detail else ""
        attempt = f" (attempt {event.attempt})" if event.attempt else ""
        lines.append(f"{event.at:%H:%M:%S}  {event.event.replace('_', ' ')}{attempt}{detail}")
    return "\n".join(lines)


def _labelled(facts: list[tuple[str, str]]) -> str:
    return "\n".join(f"{label:<{LABEL_WIDTH}}{text}" for label, text in facts)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
