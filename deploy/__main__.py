"""`python -m deploy check|apply|destroy`: the command behind `make deploy` and `make destroy`.

Looks up the project, and leaves the work to the other modules.
"""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from deploy import arguments, page, services, smoke, stage
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
#: A worker with more than this needs more memory than the standard one has.
STANDARD_BYTES = 200_000_000


def main(
    line: Sequence[str] | None = None,
    gcloud: Gcloud = run_gcloud,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Exit status 0 done, 1 a step failed, 2 it could not begin, 130 it was interrupted."""
    asked = arguments.read(line)
    if sentence := arguments.objection(asked):
        return _refuse(sentence)
    runner = Runner(gcloud, partial(print, flush=True), sleep)
    try:
        target = _target(asked, runner)
        if asked.action == "check":
            return 0
        steps = deployment_steps(target, BUILD, read_indexes())
        if asked.dry_run:
            _print_steps(steps, asked.action)
            if asked.action == "apply":
                _print_addresses(target)
            return 0
        if asked.action == "destroy":
            return _destroy(runner, steps, target, asked)
        return _deploy(runner, steps, target, asked, clock)
    except (GcloudMissing, StepFailed, stage.StageError, smoke.SmokeFailed) as failure:
        print(failure, file=sys.stderr)
        return 2 if isinstance(failure, GcloudMissing | stage.StageError) else 1
    except BrokenPipeError:  # nobody reads on, as behind `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _refuse("Interrupted. What is done stays; run the same command again to go on.", 130)


def _deploy(
    runner: Runner,
    steps: Sequence[Step],
    target: Target,
    asked: argparse.Namespace,
    clock: Callable[[], float],
) -> int:
    models = read_models(asked.model)
    functions = (*FUNCTIONS, *([CAP] if target.cap else []))
    staged = stage.stage_all(BUILD, models, print, tensorflow=asked.tensorflow, functions=functions)
    for each in staged:
        if each.size_bytes > STANDARD_BYTES and asked.memory == Target.memory_mib:
            print(_doubt(each))
    print("Each step is named before it begins. A service is built there, which takes minutes.")
    runner.apply(steps)
    submit, results = _print_addresses(target)
    page.write_config(WEB, submit, results)
    print(f"Wrote {WEB / 'config.js'}: the page can now be put on any static host.")
    print("One song, asked for as a visitor would:")
    print(smoke.smoke(submit, results, runner.say, runner.sleep, clock))
    return 0


def _doubt(staged: stage.Staged) -> str:
    return (
        f"{staged.folder} carries {staged.size_bytes / 1e6:,.0f} MB. If that is one model, "
        f"{Target.memory_mib} MiB are too few for eight songs at once: measure it, and say "
        'ARGS="--memory MIB" (docs/your-model.md, "How large a worker").'
    )


def _print_addresses(target: Target) -> tuple[str, str]:
    submit, results = target.url(function("submit")), target.url(function("results"))
    print("# The services")
    for spec in DEPLOYED:
        print(f"# {spec.deployed_as or spec.name:8} {target.url(spec)}")
    again = f".venv/bin/python -m deploy.smoke --submit {submit} --results {results}"
    print(f"# To try them at any time\n{again}")
    return submit, results


def _destroy(
    runner: Runner, steps: Sequence[Step], target: Target, asked: argparse.Namespace
) -> int:
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
    elsewhere = runner.ask("Looking for services elsewhere", services.regions(target))
    if elsewhere:
        return _refuse(
            f"There are services in {' and '.join(sorted(set(elsewhere)))} too. To remove them, "
            f"run this again with REGION={elsewhere[0]}.",
            1,
        )
    return 0


def _target(asked: argparse.Namespace, runner: Runner) -> Target:
    project = asked.project or "my-project"
    number = "PROJECT_NUMBER"
    if not asked.dry_run:
        describe = ("projects", "describe", project, "--format=value(projectNumber,projectId)")
        # What is named may be the number, and only the id is part of an identity's name.
        about = runner.ask(f"Looking up project {project}", describe)
        if len(about) != 2:
            raise StepFailed(
                f"gcloud says of {project} what is no number and name: {' '.join(about)!r:.200}."
            )
        number, project = about
    return Target(
        project=project,
        region=asked.region,
        project_number=number,
        models=stage.deployed_models(read_models(asked.model)),
        memory_mib=asked.memory,
        budget=asked.budget,
        # Removing takes everything that may be there.
        cap=asked.cap or asked.action == "destroy",
        daily_budget=asked.daily_budget,
        rate_per_minute=asked.rate_per_minute,
        cors_origins=tuple(asked.origins.split()),
        trusted_proxies=asked.trusted_proxies,
    )


def _print_steps(steps: Sequence[Step], action: str) -> None:
    backwards = action == "destroy"
    for step in reversed(steps) if backwards else steps:
        command = step.remove if backwards else step.create or (step.absent and step.exists)
        if not command:
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


if __name__ == "__main__":
    sys.exit(main())
