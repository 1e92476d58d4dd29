"""The receipt of an output: what gives the same one again, and how to know that it did."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from versequeue import __version__
from versequeue.contract.views import Receipt
from versequeue.records import to_record
from versequeue.rules.job import Job
from worker_fn.model import Model, Result
from worker_fn.processor import kernel_family


def receipt(job: Job, model: Model, result: Result) -> dict[str, Any]:
    """What was asked for, of which model, on what, and what came of it, as plain JSON data."""
    asked: dict[str, Any] = {"prompt": job.prompt, "options": _options(job)}
    if job.given:
        asked["given"] = list(job.given)
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
    document: dict[str, Any] = to_record(
        Receipt(
            model=model.name,
            model_digest=model.digest,
            seed=job.options.seed,
            input_digest=hashlib.sha256(canonical).hexdigest(),
            effort=result.effort,
            version=__version__,
            kernels=kernel_family(),
            asked=asked,
            lyrics_digest=hashlib.sha256(result.output["lyrics"].encode()).hexdigest(),
        )
    )
    return document


def _options(job: Job) -> dict[str, Any]:
    if job.own_options is not None:
        return job.own_options
    # What a server calls its models is its own affair: the receipt names the weights.
    options = asdict(job.options)
    del options["model"]
    return options
