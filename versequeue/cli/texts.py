"""Jobs, batches and a server's status as a person reads them on a terminal. Pure text."""

import textwrap
from dataclasses import asdict
from datetime import datetime

from versequeue.cli.failures import duration
from versequeue.cli.live import job_line
from versequeue.client.types import Batch, CheckedFile, Job, ServerStatus

LABEL_WIDTH = 10
TITLE_WIDTH = 60


def cents(usd: float) -> str:
    """Dollars as cents with two digits that count: a song costs a small part of one."""
    amount = 100 * usd
    return f"{amount:,.0f} ¢" if amount >= 100 else f"{amount:.2g} ¢"


def cost_text(usd: float, machine_usd: float | None) -> str:
    """What a song cost, and what did not have to run for it."""
    machine = f", and no machine runs at ${machine_usd:g} a month" if machine_usd else ""
    return f"{cents(usd)} on pay-per-use{machine}"


def estimate_text(checked: CheckedFile) -> str:
    """What a file is going to cost, and when it will be there; empty where nobody knows."""
    if checked.cost_usd is None:
        return ""
    by = f", written by {checked.ready_by:%H:%M} UTC if sent now" if checked.ready_by else ""
    return f"About {cents(checked.cost_usd)}{by}."


def job_text(job: Job) -> str:
    """A job: where it is, what it was asked for, what came of it."""
    facts = [("Job", job.id), ("Status", job_line(job)), ("Prompt", job.prompt)]
    if job.created_at:
        facts.append(("Created", _moment(job.created_at)))
    if job.ready_by and not job.done:
        facts.append(("Ready", f"by {_moment(job.ready_by)}"))
    if times := _times(job):
        facts.append(("Times", times))
    if job.metrics.cost_usd is not None:
        facts.append(("Cost", cost_text(job.metrics.cost_usd, job.metrics.machine_usd)))
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
    if batch.ready_by and not batch.done:
        facts.append(("Ready", f"by {_moment(batch.ready_by)}"))
    if batch.eta_seconds and not batch.done:
        facts.append(("Left", f"about {duration(batch.eta_seconds)}"))
    if batch.cost_usd is not None:
        facts.append(("Cost", f"{cents(batch.cost_usd)} on pay-per-use"))
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
    usd = job.metrics.cost_usd
    cost = "" if usd is None else cost_text(usd, job.metrics.machine_usd)
    return " · ".join(filter(None, (title, _times(job), cost)))


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
