"""What is asked for on the command line, and what of it can be refused before anything is done."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from deploy.target import BUCKET, Target
from versequeue.named_models import read_models

#: https://cloud.google.com/resource-manager/docs/creating-managing-projects; or its number
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]+")
REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?")
#: MiB that Cloud Run gives an instance of two processors, at most.
#: https://cloud.google.com/run/docs/configuring/services/memory-limits
MOST_MEMORY_MIB = 8192
BUCKET_FOLDER = re.compile(r"gs://[a-z0-9._-]+/.+")


def read(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line. What cannot be read ends the program with a sentence and status 2."""
    asked = _parser().parse_args(arguments)
    asked.project, asked.region = asked.project.strip(), asked.region.strip()
    return asked


def objection(asked: argparse.Namespace) -> str:
    """Why this cannot be done, as a sentence; empty if nothing speaks against it so far."""
    if not asked.project and not asked.dry_run:
        verb = "destroy" if asked.action == "destroy" else "deploy"
        return f"Name the project: make {verb} PROJECT=my-project REGION=us-central1"
    if asked.project and not PROJECT.fullmatch(asked.project):
        return (
            f"PROJECT={asked.project!r} is no project's id, which is 6 to 30 small letters, digits "
            "and hyphens. Those that you have: gcloud projects list"
        )
    if not REGION.fullmatch(asked.region):
        return f"REGION={asked.region!r} is no region, such as us-central1 or europe-west1."
    if asked.cap and float(asked.budget) == 0:
        return "A cap needs a budget: leave out --budget 0."
    if sentence := _model_objection(asked.model):
        return sentence
    for origin in asked.origins.split():
        if not ORIGIN.fullmatch(origin):
            return f"--origins: {origin!r} is no origin, such as https://songs.example."
    return ""


def _model_objection(text: str) -> str:
    try:
        models = read_models(text)
    except ValueError as error:
        return f"--model: {error}."
    for model in models:
        if model.place.startswith(BUCKET) and not BUCKET_FOLDER.fullmatch(model.place):
            return f"{model.place!r} is no folder of a bucket, such as gs://my-models/smollm2."
    return ""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}. All options: .venv/bin/python -m deploy --help\n")


def _amount(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount, such as 5 or 7.50")
    return text


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _memory(text: str) -> int:
    if not (text.isdecimal() and Target.memory_mib <= int(text) <= MOST_MEMORY_MIB):
        most = f"{Target.memory_mib} to {MOST_MEMORY_MIB}"
        raise argparse.ArgumentTypeError(f"{text!r} is no number of MiB from {most}")
    return int(text)


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither 1 nor 0")
    return text == "1"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m deploy",
        description="Deploys VerseQueue to a project on Google Cloud, or removes it again; `check` "
        "only looks whether the project is there.",
    )
    parser.add_argument("action", choices=["check", "apply", "destroy"])
    parser.add_argument("--project", default="", help="its id, or its number")
    parser.add_argument(
        "--region",
        default="us-central1",
        help="a new project may build only in us-central1, us-west2, europe-west1, asia-east1, "
        "australia-southeast1 and southamerica-east1",
    )
    switch: dict[str, Any] = {"type": _switch, "nargs": "?", "const": True, "default": False}
    parser.add_argument("--dry-run", **switch, help="print the plan, change nothing")
    parser.add_argument(
        "--cap", **switch, help="end all costs, and the service, once the budget is spent"
    )
    parser.add_argument(
        "--model",
        default="default",
        help="a bundle's folder, gs://…, or several: name=PLACE,other=PLACE",
    )
    parser.add_argument(
        "--memory", type=_memory, default=Target.memory_mib, help="MiB of a worker's instance"
    )
    parser.add_argument("--tensorflow", action="store_true", help="the gs:// is a SavedModel")
    parser.add_argument(
        "--budget", type=_amount, default=Target.budget, help="a month, for the alert; 0: none"
    )
    parser.add_argument("--daily-budget", type=_count, default=Target.daily_budget, help="songs")
    parser.add_argument("--rate-per-minute", type=_count, default=Target.rate_per_minute)
    parser.add_argument("--origins", default="", help="origins of pages elsewhere")
    parser.add_argument("--trusted-proxies", type=_count, default=Target.trusted_proxies)
    parser.add_argument("--confirm", default="", help="destroy: the project's name again")
    return parser
