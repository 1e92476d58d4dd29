"""A network or a machine that ends at any command of a deployment, and the next try."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gcloud import program
from tests.support.gcloud.answers import Died
from tests.support.gcloud.cloud import Cloud
from tests.support.gcloud.machine import Machine
from tests.support.paths import ROOT

Heard = pytest.CaptureFixture[str]
LOST = ("lost_before", "lost_after")


def whole(machine: Machine) -> tuple[str, int]:
    """What a deployment leaves where nothing goes wrong, and how many commands it takes."""
    machine.cloud = Cloud()
    assert machine.deploy() == 0
    return machine.cloud.shape(), len(machine.cloud.ran)


def every_command(machine: Machine) -> Iterator[int]:
    """The number of each command of a deployment in turn, each time before a fresh project."""
    _, count = whole(machine)
    assert count > 100
    for number in range(1, count + 1):
        machine.cloud = Cloud()
        yield number


@pytest.mark.parametrize("lost", LOST)
def test_an_answer_that_is_lost_at_any_command_is_made_good_by_the_same_run(
    machine: Machine, lost: str
) -> None:
    shape, _ = whole(machine)
    for number in every_command(machine):
        setattr(machine.cloud, lost, number)

        assert machine.deploy() == 0, machine.cloud.ran[number - 1]

        assert machine.cloud.shape() == shape, machine.cloud.ran[number - 1]


@pytest.mark.parametrize("lost", LOST)
def test_a_network_that_goes_away_at_any_command_ends_in_a_sentence_and_a_retry_completes(
    machine: Machine, capsys: Heard, lost: str
) -> None:
    shape, _ = whole(machine)
    for number in every_command(machine):
        setattr(machine.cloud, lost, number)
        machine.cloud.stays_lost = True

        assert machine.deploy() == 1

        heard = capsys.readouterr().err
        assert "Run the same command again: it goes on." in heard or "cannot be reached" in heard
        machine.mend()
        assert machine.deploy() == 0, machine.cloud.ran[number - 1]
        assert machine.cloud.shape() == shape, machine.cloud.ran[number - 1]


def test_a_machine_that_dies_over_any_command_leaves_what_the_next_run_completes(
    machine: Machine,
) -> None:
    shape, _ = whole(machine)
    for number in every_command(machine):
        machine.cloud.dies_at = number
        with pytest.raises(Died):
            machine.deploy()

        machine.mend()
        assert machine.deploy() == 0, machine.cloud.ran[number - 1]

        assert machine.cloud.shape() == shape, machine.cloud.ran[number - 1]


def test_half_a_deployment_can_be_removed_whatever_it_had_come_to(machine: Machine) -> None:
    for number in every_command(machine):
        machine.cloud.dies_at = number
        with pytest.raises(Died):
            machine.deploy()

        machine.mend()
        assert machine.destroy() == 0, machine.cloud.ran[number - 1]

        assert machine.cloud.remaining() == {}, machine.cloud.ran[number - 1]
        assert machine.cloud.rights == {}


def test_a_network_that_goes_away_while_removing_is_never_taken_for_an_absence(
    machine: Machine, capsys: Heard
) -> None:
    _, deployed = whole(machine)
    assert machine.destroy() == 0
    for number in range(deployed + 1, len(machine.cloud.ran) + 1):
        whole(machine)
        machine.cloud.lost_before, machine.cloud.stays_lost = number, True
        capsys.readouterr()

        assert machine.destroy() == 1

        heard = capsys.readouterr()
        assert "run the same command again" in heard.err.lower()
        lost = machine.cloud.ran[number - 1]
        assert "was not there" not in heard.out.partition(lost)[2], lost
        machine.mend()
        assert machine.destroy() == 0
        assert machine.cloud.remaining() == {}, lost


def test_once_the_network_stays_away_what_is_left_is_not_waited_for_again(
    machine: Machine,
) -> None:
    _, deployed = whole(machine)
    machine.cloud.lost_before, machine.cloud.stays_lost = deployed + 20, True
    began_s = machine.cloud.now_s

    assert machine.destroy() == 1

    assert machine.cloud.now_s - began_s < 300


@pytest.mark.processes
@pytest.mark.timeout(600)
def test_a_run_that_is_killed_and_one_that_is_interrupted_are_completed_by_the_next(
    tmp_path: Path, machine: Machine
) -> None:
    _, count = whole(machine)
    (tmp_path / "web").mkdir()
    file = tmp_path / "cloud.json"
    environ = os.environ | program.install(tmp_path, Cloud()) | {"PYTHONPATH": str(ROOT)}

    def deploy(dies_at: int, by: signal.Signals) -> subprocess.CompletedProcess[str]:
        cloud = Cloud.load(file)
        cloud.dies_at = dies_at and len(cloud.ran) + dies_at
        cloud.save(file)
        return subprocess.run(
            [
                *(sys.executable, "-m", "tests.support.gcloud.deploying", "apply"),
                *("--project=song-shop", "--region=europe-west1", "--model=gs://songs/tiny"),
            ],
            cwd=tmp_path,
            env=environ | {"CLOUD_SIGNAL": str(int(by))},
            capture_output=True,
            text=True,
            timeout=300,
        )

    killed = deploy(count // 3, signal.SIGKILL)
    interrupted = deploy(count // 2, signal.SIGINT)
    completed = deploy(0, signal.SIGKILL)

    assert killed.returncode == -signal.SIGKILL
    assert interrupted.returncode == 130
    assert interrupted.stderr.endswith("run the same command again to go on.\n")
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.endswith("succeeded\nla\n")
    assert Cloud.load(file).remaining().keys() == machine.cloud.remaining().keys()
    assert "versequeue-submit-123456789012" in (tmp_path / "web/config.js").read_text()
