"""Staged folders: what is in them, and that each starts with its own requirements alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.functions import CAP, DEPLOYED, FUNCTIONS, Caller, FunctionSpec, function
from deploy.stage import (
    ROOT,
    StageError,
    deployed_models,
    find_bundle,
    needed_files,
    stage,
    stage_all,
)
from tests.support.environments import deployed_python, python_of
from tests.support.trial import byte_compile, started
from versequeue.functions.sizes import Size
from versequeue.named_models import read_models

pytestmark = pytest.mark.long

#: No service listens there: constructing clients must not need one.
CLOUD = {
    "VERSEQUEUE_BACKEND": "gcp",
    "VERSEQUEUE_PROJECT": "trial",
    "VERSEQUEUE_HASH_KEY": "trial",
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    "GOOGLE_CLOUD_PROJECT": "trial",
}
PUSH = {
    "Content-Type": "application/json",
    "ce-id": "1",
    "ce-source": "//pubsub.googleapis.com/projects/trial/topics/jobs",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
}
STAGED = (*FUNCTIONS, CAP)
#: A request that every function can answer without a store, and the answer.
FIRST_REQUESTS = {
    "submit": ("POST", "/v1/jobs", b"{", {"Content-Type": "application/json"}, 400),
    "results": ("GET", "/v1/nothing", b"", {}, 404),
    "worker": ("POST", "/projects/trial/topics/jobs", b'{"message":{"data":"e30="}}', PUSH, 200),
    "cap": ("POST", "/projects/trial/topics/budget", b'{"message":{"data":"e30="}}', PUSH, 200),
    "notify": ("POST", "/projects/trial/topics/notify", b'{"message":{"data":"e30="}}', PUSH, 200),
}
LAZY = ("tensorflow",)
#: What a visitor's first request may wait for at most, and how often a start is timed.
GOAL_S, STARTS = 1.5, 3


def package(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def spec_named(name: str, *packages: str, needs_model: bool = False) -> FunctionSpec:
    like = function("submit")
    size = Size(has_model=needs_model)
    return FunctionSpec(name, "http", packages, like.caller, like.database, size=size)


SMALL = {
    "tiny_fn/main.py": "from jobs.a import one\n",
    "tiny_fn/requirements.txt": "flask==3.1.3   # serves\n",
    "tiny_fn/locked.txt": "flask==3.1.3 \\\n    --hash=sha256:f1\nblinker==1.9.0\n",
    "jobs/__init__.py": "",
    "jobs/a.py": "from jobs import b\ndef one():\n    import jobs.late\n",
    "jobs/b.py": "import json\n",
    "jobs/late.py": "",
    "jobs/unused.py": "import tensorflow\n",
    "jobs/data/words.txt": "la\n",
    "other/__init__.py": "",
    "requirements-build.txt": "tensorflow==2.21.0   # builds\n",
    "model/bundle.json": '{"format": "litert"}',
    "model/model.tflite": "weights",
}


def test_only_modules_that_main_reaches_are_staged_and_the_data_beside_them(
    tmp_path: Path,
) -> None:
    root = package(tmp_path, SMALL)

    files = {str(path.relative_to(root)) for path in needed_files(spec_named("tiny", "jobs"), root)}

    assert files == {
        "jobs/__init__.py",
        "jobs/a.py",
        "jobs/b.py",
        "jobs/late.py",
        "jobs/data/words.txt",
    }


def test_the_model_goes_only_with_a_function_that_needs_it(tmp_path: Path) -> None:
    root = package(tmp_path, SMALL)
    bundle = root / "model"

    stage(spec_named("tiny", "jobs"), root / "build", {"model": bundle}, root)
    assert not (root / "build/tiny_fn/model").exists()

    stage(spec_named("tiny", "jobs", needs_model=True), root / "build", {"model": bundle}, root)
    assert (root / "build/tiny_fn/model/model.tflite").read_text() == "weights"


def test_staging_again_leaves_nothing_of_the_last_time(tmp_path: Path) -> None:
    root = package(tmp_path, SMALL)
    spec = spec_named("tiny", "jobs")
    stage(spec, root / "build", {}, root)
    (root / "build/tiny_fn/leftover.py").write_text("")

    staged = stage(spec, root / "build", {}, root)

    assert not (root / "build/tiny_fn/leftover.py").exists()
    assert [path.name for path in (root / "build").iterdir()] == ["tiny_fn"]
    assert staged.files == 8  # five of jobs, main.py, requirements.txt, .gcloudignore


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    root = package(tmp_path, SMALL)
    (root / "tiny_fn/requirements.txt").unlink()

    with pytest.raises(StageError, match=r"tiny_fn/requirements.txt is missing"):
        stage(spec_named("tiny", "jobs"), root / "build", {}, root)


def test_all_that_is_installed_is_staged_with_hashes_and_never_out_of_date(tmp_path: Path) -> None:
    root = package(tmp_path, SMALL)
    spec = spec_named("tiny", "jobs")

    stage(spec, root / "build", {}, root)
    assert (root / "build/tiny_fn/requirements.txt").read_text() == SMALL["tiny_fn/locked.txt"]

    (root / "tiny_fn/requirements.txt").write_text("flask==3.1.30\n")
    with pytest.raises(StageError, match=r"locked.txt lacks flask==3.1.30. .* make lock"):
        stage(spec, root / "build", {}, root)


@pytest.mark.parametrize("spec", STAGED, ids=lambda spec: str(spec.name))
def test_every_function_pins_all_that_it_installs_with_hashes(spec: FunctionSpec) -> None:
    locked = (ROOT / spec.folder / "locked.txt").read_text(encoding="utf-8")

    pinned = re.split(r"\n(?=[a-z])", locked.partition("\n#")[2])[1:]
    assert len(pinned) > 20
    for each in pinned:
        assert re.match(r"[a-z0-9-]+==[\w.]+ ", each)
        assert "--hash=sha256:" in each


@pytest.mark.processes
@pytest.mark.parametrize("spec", STAGED, ids=lambda spec: str(spec.name))
def test_what_a_function_installs_fits_together(spec: FunctionSpec, staged: Path) -> None:
    python = python_of(staged / spec.folder)

    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "check"],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout


def test_a_missing_model_names_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="python -m lyricist build"):
        find_bundle("default", tmp_path)


def test_a_saved_model_brings_tensorflow_and_a_small_one_does_not(tmp_path: Path) -> None:
    root = package(tmp_path, SMALL)
    spec, bundle = spec_named("tiny", "jobs", needs_model=True), root / "model"
    staged = root / "build/tiny_fn/requirements.txt"

    stage(spec, root / "build", {"model": bundle}, root)
    assert "tensorflow" not in staged.read_text()

    stage(spec, root / "build", {}, root, tensorflow=True)
    assert "tensorflow==2.21.0" in staged.read_text()

    (bundle / "bundle.json").write_text('{"format": "saved_model"}')
    stage(spec, root / "build", {"model": bundle}, root)
    assert "tensorflow==2.21.0" in staged.read_text()

    stage(spec_named("tiny", "jobs"), root / "build", {"model": bundle}, root, tensorflow=True)
    assert "tensorflow" not in staged.read_text()


def test_several_models_are_staged_beside_each_other_and_those_in_buckets_are_not(
    tmp_path: Path,
) -> None:
    root = package(tmp_path, SMALL | {"other/bundle.json": '{"format": "saved_model"}'})
    spec = spec_named("tiny", "jobs", needs_model=True)
    models = read_models(f"a={root}/model,b=gs://songs/b,c={root}/other")

    stage_all(root / "build", models, print, root, functions=[spec])

    staged = root / "build/tiny_fn"
    places = {model.name: model.place for model in deployed_models(models)}
    assert places == {"a": "model/1", "b": "gs://songs/b", "c": "model/3"}
    assert (staged / places["a"] / "model.tflite").read_text() == "weights"
    assert (staged / places["c"] / "bundle.json").is_file()
    assert sorted(path.name for path in (staged / "model").iterdir()) == ["1", "3"]
    assert "tensorflow==2.21.0" in (staged / "requirements.txt").read_text()


def test_light_functions_carry_no_model_code_and_no_command_line() -> None:
    kept_here = [ROOT / "versequeue" / name for name in ("cli", "client", "emulated", "local")]
    kept_here.append(ROOT / "versequeue" / "planning" / "fleet.py")
    kept_here.append(ROOT / "lyricist" / "building")
    assert all(folder.exists() for folder in kept_here)
    for spec in FUNCTIONS:
        code = [path for path in needed_files(spec) if path.suffix == ".py"]
        assert code
        if not spec.needs_model:
            lyricist = ROOT / "lyricist"
            rooms = {
                path.relative_to(lyricist).parts[0] for path in code if lyricist in path.parents
            }
            # How words sound is text; `results` tells their rhymes.
            assert rooms <= {"__init__.py", "language"}
        assert not [path for path in code for folder in kept_here if path.is_relative_to(folder)]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("staged") / "build"
    stage_all(build, (), print, functions=STAGED)
    return build


def test_what_is_deployed_twice_is_staged_once(staged: Path) -> None:
    folders = {folder.name for folder in staged.iterdir()}
    assert {spec.folder for spec in (*DEPLOYED, CAP)} == folders
    assert len(DEPLOYED) + 1 > len(folders) == len(STAGED)


@pytest.mark.processes
@pytest.mark.parametrize("spec", STAGED, ids=lambda spec: str(spec.name))
def test_every_staged_module_can_be_imported_with_the_functions_own_requirements(
    spec: FunctionSpec, staged: Path
) -> None:
    folder = staged / spec.folder
    python = python_of(folder)
    paths = [path for path in folder.rglob("*.py") if path.name != "main.py"]
    names = [".".join(path.relative_to(folder).with_suffix("").parts) for path in paths]
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        importlib.import_module(name.removesuffix('.__init__'))\n"
        "    except ModuleNotFoundError as error:\n"
        f"        if error.name not in {LAZY!r}: raise\n"
    )

    done = subprocess.run(
        [str(python), "-c", script, *names], cwd=folder, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.processes
@pytest.mark.parametrize("spec", STAGED, ids=lambda spec: str(spec.name))
def test_every_staged_function_starts_and_answers_with_its_own_requirements(
    spec: FunctionSpec, staged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if spec.name not in FIRST_REQUESTS:
        FIRST_REQUESTS[spec.name] = ("GET", "/robots.txt", b"", {}, 404)
    method, path, body, headers, expected = FIRST_REQUESTS[spec.name]
    folder = staged / spec.folder
    size_mb = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    byte_compile(folder, python_of(folder))
    times_s, cpu_s = [], []
    for _ in range(STARTS):
        with started(spec, folder, python_of(folder), CLOUD, tmp_path / "log") as running:
            status, answer = running.ask(method, path, body, headers)
            times_s.append(running.age_s())
            cpu_s.append(running.cpu_s())
        assert status == expected, answer

    # The processor's time, since other processes' load is no fault of the start.
    if spec.caller is Caller.ANYONE:
        assert min(cpu_s) < GOAL_S
    with capsys.disabled():
        waits = ", ".join(f"{each:.2f}" for each in times_s)
        print(
            f"\n{spec.name}: {size_mb:.2f} MB staged; first answer {waits} s after the start of "
            f"the process, {min(cpu_s):.2f} s of them processor time, on Python "
            f"{deployed_python()[1].split()[0]}"
        )


@pytest.mark.processes
def test_the_containers_health_check_tells_a_server_that_answers_from_one_that_is_gone(
    staged: Path, tmp_path: Path
) -> None:
    spec = function("sweep")
    python = python_of(staged / spec.folder)
    dockerfile = (ROOT / "deploy/containers/Dockerfile").read_text(encoding="utf-8")
    line = next(line for line in dockerfile.splitlines() if line.startswith("HEALTHCHECK"))
    command = json.loads(line.split("CMD ")[1])

    def check(port: int) -> int:
        environ = {"PORT": str(port)}
        done = subprocess.run([str(python), *command[1:]], env=environ, capture_output=True)
        return done.returncode

    with started(spec, staged / spec.folder, python, CLOUD, tmp_path / "log") as running:
        assert check(running.port) == 0
    assert check(running.port) == 1
    assert "sweep" not in (tmp_path / "log").read_text()  # nothing was swept to find that out
