"""`cost` and `plan` with the times of a bundle: measured once, kept, and told whose they are."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from versequeue.cli import model_times
from versequeue.cli.failures import Refused
from versequeue.cli.main import main
from versequeue.cli.model_times import times_of
from versequeue.planning.service_times import ModelTimes, load_service_times

BIG = ModelTimes(
    digest="sha256:1",
    date="2026-05-01",
    machine="2 cores of something",
    threads=2,
    first_line_s=9.0,
    seconds_per_line={"1": 1.0, "2": 1.5, "4": 2.5, "8": 4.0},
    peak_mib=3000.0,
    bundle_bytes=1_200_000_000,
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "big"
    folder.mkdir()
    (folder / "bundle.json").write_text(json.dumps({"digest": "sha256:1"}))
    return folder


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The bundles that were measured, each as BIG."""
    found: list[Path] = []

    def measure(folder: Path, kept: Path) -> None:
        found.append(folder)
        digest = json.loads((folder / "bundle.json").read_text())["digest"]
        kept.write_text(json.dumps(asdict(replace(BIG, digest=digest))))

    monkeypatch.setattr(model_times, "_measure", measure)
    return found


def test_a_bundle_is_measured_once_and_again_when_it_is_another_one(
    bundle: Path, measured: list[Path]
) -> None:
    assert times_of(str(bundle)) == times_of(f"{bundle}/")
    assert measured == [bundle]
    (bundle / "bundle.json").write_text(json.dumps({"digest": "sha256:2"}))
    times_of(str(bundle))
    assert measured == [bundle, bundle]
    assert [path.name for path in bundle.iterdir()] == ["bundle.json"], "the bundle stays as it is"


@pytest.mark.parametrize("kept", ["", "[]", '{"digest": "sha256:1"}', "\x00", "[" * 99_999])
def test_what_was_kept_and_cannot_be_read_is_measured_again(
    bundle: Path, measured: list[Path], kept: str
) -> None:
    (bundle.parent / ".big.times.json").write_text(kept)
    assert times_of(str(bundle)).measured.threads == 2
    assert measured == [bundle]


def test_a_model_brings_its_times_its_size_and_the_memory_that_it_needs(
    bundle: Path, measured: list[Path]
) -> None:
    usual, times = load_service_times(), times_of(str(bundle))
    assert times.line_s(1) == 1.0
    assert times.worker_start_s == pytest.approx(
        usual.assumed.platform_start_s + 9.0 + usual.assumed.framework_start_s - 1.0
    )
    assert times.assumed.worker_gib == 4.0  # 3,000 MiB, a fifth and 200 MiB to spare
    assert times.assumed.bundle_gb == 1.2
    assert times.measured.submit_request_s == usual.measured.submit_request_s
    assert measured


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("command", ["cost", "plan"])
def test_the_commands_say_whose_times_they_reckon_with(command: str, bundle: Path) -> None:
    of_bundle = CliRunner().invoke(main, [command, "--model", str(bundle)])
    usual = CliRunner().invoke(main, [command])
    assert of_bundle.exit_code == usual.exit_code == 0
    assert "service times of 2026-05-01, 2 cores of something" in of_bundle.output.lower()
    assert "2026-05-01" not in usual.output


@pytest.mark.usefixtures("measured")
def test_a_slower_model_costs_more(bundle: Path) -> None:
    def total_usd(*more: str) -> float:
        asked = ["cost", "--json", "--jobs-per-day", "1000", *more]
        document = json.loads(CliRunner().invoke(main, asked).output)
        return float(document["total_usd"])

    assert total_usd("--model", str(bundle)) > 3 * total_usd()


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"There is no model bundle in .*nowhere"):
        times_of(str(tmp_path / "nowhere"))
    (tmp_path / "bundle.json").write_text('{"name": "digits"}')
    with pytest.raises(Refused, match="is not that of a model that writes songs"):
        times_of(str(tmp_path))


@pytest.mark.processes
def test_a_real_bundle_is_measured(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny").symlink_to(tiny_bundle)
    kept = tmp_path / ".tiny.times.json"
    model_times._measure(tmp_path / "tiny", kept)
    times = ModelTimes(**json.loads(kept.read_text()))
    digest = json.loads((tiny_bundle / "bundle.json").read_text())["digest"]
    assert times.digest == digest
    assert set(times.seconds_per_line) == {"1", "2", "4", "8"}
    assert 0 < times.seconds_per_line["1"] < times.first_line_s


@pytest.mark.processes
def test_a_bundle_that_cannot_be_measured_says_why_and_keeps_nothing(
    bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        times_of(str(bundle))
    *_, last = capfd.readouterr().err.splitlines()
    assert "bundle.json" in last or "big" in last
    assert not (bundle.parent / ".big.times.json").exists()
