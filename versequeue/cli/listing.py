"""The command `versequeue jobs`: the jobs of one's API key, the newest first."""

import textwrap
from itertools import islice

import click

from versequeue.cli.jobs import json_text, say
from versequeue.cli.options import connect, json_option, server_option
from versequeue.cli.tables import table
from versequeue.cli.texts import cents
from versequeue.client.types import Job

PROMPT_WIDTH = 40
HEADER = ("Asked for (UTC)", "Job", "Status", "Cost", "Prompt")


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, help="So many (20).")
@json_option
@server_option
def jobs(limit: int, as_json: bool, server: str | None) -> None:
    """List your jobs, the newest first: those that were asked for with VERSEQUEUE_API_KEY."""
    with connect(server) as client:
        found = list(islice(client.jobs(page=min(limit, 100)), limit))
    if as_json:
        for job in found:
            say(json_text(job.raw))
    elif found:
        say(table(HEADER, [_row(job) for job in found], right_from=len(HEADER)))
    else:
        say("There are none.", err=True)


def _row(job: Job) -> list[str]:
    made = f"{job.created_at:%Y-%m-%d %H:%M}" if job.created_at else ""
    usd = job.metrics.cost_usd
    prompt = textwrap.shorten(job.prompt, PROMPT_WIDTH, placeholder="…")
    return [made, job.id, job.status, "" if usd is None else cents(usd), prompt]
