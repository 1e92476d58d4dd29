"""`python -m deploy apply|destroy`: the command behind `make deploy` and `make destroy`.

Reads arguments, looks up the project's number, and leaves the work to the other modules.
"""

import argparse
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from deploy import page, smoke, stage
from deploy.apply import Runner, StepFailed
from deploy.database import read_indexes
from deploy.deployment import deployment_steps
from deploy.functions import CAP, DEPLOYED, FUNCTIONS, function
from deploy.gcloud import Gcloud, GcloudMissing, run_gcloud
from deploy.identities import ENABLE
from deploy.steps import Step
from deploy.target import Target
from versequeue.named_models import read_models

BUILD = Path("build")
WEB = Path("web")


def main(
    arguments: Sequence[str] | None = None,
    gcloud: Gcloud = run_gcloud,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Exit status 0 done, 1 a step failed, 2 it could not begin, 130 it was interrupted."""
    asked = _parser().parse_args(arguments)
    if not asked.project and not asked.dry_run:
        return _refuse("Name the project: make deploy PROJECT=my-project REGION=us-central1")
    runner = Runner(gcloud, partial(print, flush=True), sleep)
    if asked.cap and float(asked.budget) == 0:
        return _refuse("A cap needs a budget: leave out --budget 0.")
    try:
        asked.model = _one_model(asked.model)
    except ValueError as error:
        return _refuse(f"--model: {error}.")
    try:
        target = _target(asked, runner)
        steps = deployment_steps(target, BUILD, read_indexes())
        if asked.dry_run:
            _print_steps(steps, asked.action)
            if asked.action == "apply":
                _print_addresses(target)
            return 0
        if asked.action == "destroy":
            return _destroy(runner, steps, asked)
        return _deploy(runner, steps, target, asked, clock)
    except (GcloudMissing, StepFailed, stage.StageError, smoke.SmokeFailed) as failure:
        print(failure, file=sys.stderr)
        return 2 if isinstance(failure, GcloudMissing | stage.StageError) else 1
    except KeyboardInterrupt:
        return _refuse("Interrupted. What is done stays; run the same command again to go on.", 130)


def _deploy(
    runner: Runner,
    steps: Sequence[Step],
    target: Target,
    asked: argparse.Namespace,
    clock: Callable[[], float],
) -> int:
    staged = "" if target.model else asked.model
    functions = (*FUNCTIONS, *([CAP] if target.cap else []))
    stage.stage_all(BUILD, staged, print, tensorflow=asked.tensorflow, functions=functions)
    runner.apply(steps)
    submit, results = _print_addresses(target)
    page.write_config(WEB, submit, results)
    print(f"Wrote {WEB / 'config.js'}: the page can now be put on any static host.")
    print(smoke.smoke(submit, results, runner.say, runner.sleep, clock))
    return 0


def _print_addresses(target: Target) -> tuple[str, str]:
    submit, results = target.url(function("submit")), target.url(function("results"))
    for spec in DEPLOYED:
        print(f"# {spec.deployed_as or spec.name:8} {target.url(spec)}")
    print(f"# Smoke test\npython -m deploy.smoke --submit {submit} --results {results}")
    return submit, results


def _destroy(runner: Runner, steps: Sequence[Step], asked: argparse.Namespace) -> int:
    if asked.confirm != asked.project:
        return _refuse(
            "This deletes the functions, the topics and the Firestore database with every job in "
            f"it. To go on, repeat the project's name: CONFIRM={asked.project}"
        )
    try:  # what belongs to a service that is off can neither be seen nor removed
        runner.apply([step for step in steps if step.title == ENABLE])
    except StepFailed as failure:
        print(failure, file=sys.stderr)
    left = runner.destroy(steps)
    if left:
        return _refuse(
            f"Not removed: {'; '.join(left)}. It may go on costing: run the same command again.", 1
        )
    page.write_config(WEB)
    return 0


def _target(asked: argparse.Namespace, runner: Runner) -> Target:
    project = asked.project or "my-project"
    describe = ("projects", "describe", project, "--format=value(projectNumber)")
    number = "" if asked.dry_run else runner.ask(f"Project {project}", describe)
    return Target(
        project=project,
        region=asked.region,
        project_number=number or "PROJECT_NUMBER",
        model=asked.model if asked.model.startswith("gs://") else "",
        budget=asked.budget,
        # Removing takes everything that may be there.
        cap=asked.cap or asked.action == "destroy",
        daily_budget=asked.daily_budget,
        rate_per_minute=asked.rate_per_minute,
        cors_origins=tuple(asked.origins.split()),
        trusted_proxies=asked.trusted_proxies,
    )


def _one_model(text: str) -> str:
    """The place of the one model that `text` names. Raises ValueError if it names several."""
    models = read_models(text)
    if len(models) > 1:
        names = ", ".join(model.name for model in models)
        raise ValueError(f"a deployment serves one model so far, not {len(models)} ({names})")
    return models[0].place


def _print_steps(steps: Sequence[Step], action: str) -> None:
    backwards = action == "destroy"
    for step in reversed(steps) if backwards else steps:
        command = step.remove if backwards else step.create
        if command is None:
            continue
        print(f"# {step.title}")
        if step.needs is not None:
            print(f"NEEDED=$(gcloud {shlex.join(step.needs)})")
        print(f"gcloud {shlex.join(command)}")
        for why, other in (("it is there", step.update), ("that is refused", step.otherwise)):
            if other is not None and not backwards:
                print(f"# … or, if {why}\ngcloud {shlex.join(other)}")


def _refuse(sentence: str, status: int = 2) -> int:
    print(sentence, file=sys.stderr)
    return status


def _amount(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError("an amount, such as 5 or 7.50")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("action", choices=["apply", "destroy"])
    parser.add_argument("--project", default="")
    parser.add_argument(
        "--region",
        default="us-central1",
        help="a new project may build only in us-central1, us-west2, europe-west1, asia-east1, "
        "australia-southeast1 and southamerica-east1",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the plan, change nothing")
    parser.add_argument("--model", default="default", help="a bundle's folder, or gs://…")
    parser.add_argument("--tensorflow", action="store_true", help="the gs:// is a SavedModel")
    parser.add_argument(
        "--budget", type=_amount, default=Target.budget, help="a month, for the alert; 0: none"
    )
    parser.add_argument(
        "--cap", action="store_true", help="end all costs, and the service, once it is spent"
    )
    parser.add_argument("--daily-budget", type=int, default=Target.daily_budget, help="songs")
    parser.add_argument("--rate-per-minute", type=int, default=Target.rate_per_minute)
    parser.add_argument("--origins", default="", help="origins of pages elsewhere")
    parser.add_argument("--trusted-proxies", type=int, default=Target.trusted_proxies)
    parser.add_argument("--confirm", default="", help="destroy: the project's name again")
    return parser


if __name__ == "__main__":
    sys.exit(main())
