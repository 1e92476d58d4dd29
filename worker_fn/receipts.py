"""The receipt of an output: what gives the same one again."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from versequeue import __version__
from versequeue.contract.views import Receipt
from versequeue.records import to_record
from versequeue.rules.job import Job


def receipt(job: Job, model: str, model_digest: str, effort: str) -> dict[str, Any]:
    """What was asked for and of which model, as plain JSON data."""
    options = _options(job) if job.own_options is None else job.own_options
    asked: dict[str, Any] = {"prompt": job.prompt, "options": options}
    if job.given:
        asked["given"] = job.given
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
    document: dict[str, Any] = to_record(
        Receipt(
            model=model,
            model_digest=model_digest,
            seed=job.options.seed,
            input_digest=hashlib.sha256(canonical).hexdigest(),
            effort=effort,
            version=__version__,
        )
    )
    return document


def _options(job: Job) -> dict[str, Any]:
    # What a server calls its models is its own affair: the receipt names the weights.
    options = asdict(job.options)
    del options["model"]
    return options
