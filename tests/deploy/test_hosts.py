"""The page on static hosts, and the functions in containers."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from deploy.functions import FUNCTIONS
from deploy.page import write_config, write_rewrites


def test_the_page_is_told_where_the_functions_are(tmp_path: Path) -> None:
    standard = Path("web/config.js").read_text(encoding="utf-8")

    path = write_config(tmp_path, "https://submit.example", "https://results.example")

    assert 'SUBMIT_BASE = "https://submit.example";' in path.read_text(encoding="utf-8")
    assert write_config(tmp_path).read_text(encoding="utf-8") == standard


def test_rewrites_send_each_route_to_its_function_and_show_the_secret(tmp_path: Path) -> None:
    netlify = tmp_path / "netlify.toml"
    netlify.write_text(Path("netlify.toml").read_text(encoding="utf-8"), encoding="utf-8")

    write_rewrites(netlify, "https://submit.example", "https://results.example", "s" * 32)

    rules = tomllib.loads(netlify.read_text(encoding="utf-8"))["redirects"]
    targets = {rule["from"]: rule["to"] for rule in rules}
    assert targets["/v1/jobs"] == "https://submit.example/v1/jobs"
    assert targets["/v1/jobs/:job_id/cancel"] == "https://submit.example/v1/jobs/:job_id/cancel"
    assert (rules[-1]["from"], rules[-1]["to"]) == ("/v1/*", "https://results.example/v1/:splat")
    assert all(rule["status"] == 200 and rule["force"] for rule in rules)
    assert {rule["headers"]["X-VerseQueue-Page"] for rule in rules} == {"s" * 32}


def test_the_page_is_not_pointed_at_a_placeholder(tmp_path: Path) -> None:
    settings = tomllib.loads(Path("netlify.toml").read_text(encoding="utf-8"))
    urls = settings["build"]["environment"]

    status = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.page", "--web", str(tmp_path)),
            *("--submit", urls["SUBMIT_URL"], "--results", urls["RESULTS_URL"]),
        ],
        timeout=60,
    ).returncode

    assert status == 2
    assert list(tmp_path.iterdir()) == []


def test_netlify_builds_in_a_folder_that_asks_for_no_package_and_publishes_it(
    tmp_path: Path,
) -> None:
    settings = tomllib.loads(Path("netlify.toml").read_text(encoding="utf-8"))["build"]
    base = tmp_path / settings["base"]
    for folder in ("deploy", "versequeue", "web"):
        shutil.copytree(folder, tmp_path / folder)
    shutil.copy2("netlify.toml", tmp_path)
    venv.create(tmp_path / "bare", with_pip=False)

    done = subprocess.run(
        ["bash", "-c", settings["command"]],
        cwd=base,
        env={
            "PATH": f"{tmp_path / 'bare/bin'}{os.pathsep}{os.defpath}",
            "SUBMIT_URL": "https://submit.example",
            "RESULTS_URL": "https://results.example",
            "PAGE_SECRET": "s" * 32,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not (base / "requirements.txt").exists()
    assert (base / settings["publish"] / "index.html").exists()
    assert "https://results.example" in (tmp_path / "netlify.toml").read_text(encoding="utf-8")


def test_netlify_sends_the_headers_that_the_local_server_sends() -> None:
    from versequeue.local.app import PAGE_POLICY

    settings = tomllib.loads(Path("netlify.toml").read_text(encoding="utf-8"))
    sent = settings["headers"][0]["values"]

    def policy(text: str) -> set[str]:
        return {part.strip() for part in text.split(";")}

    differing = policy(sent["Content-Security-Policy"]) ^ policy(PAGE_POLICY)
    assert {part.split()[0] for part in differing} == {"connect-src"}
    assert sent["X-Content-Type-Options"] == "nosniff"


def test_every_function_has_an_image_that_runs_as_nobody_in_particular() -> None:
    folder = Path("deploy/containers")
    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
    targets = json.loads((folder / "bake.json").read_text(encoding="utf-8"))["target"]

    assert {name: target["args"] for name, target in targets.items()} == {
        spec.name: {"FUNCTION": spec.name, "SIGNATURE": spec.signature} for spec in FUNCTIONS
    }
    assert {target["context"] for target in targets.values()} == {
        f"build/{spec.folder}" for spec in FUNCTIONS
    }
    # buildx looks for a target's Dockerfile from its context on (bake.go, toBuildOpt).
    found = {
        Path(os.path.normpath(Path(each["context"], each["dockerfile"])))
        for each in targets.values()
    }
    assert found == {folder / "Dockerfile"}
    assert re.search(r"^USER (?!root)\w+$", dockerfile, re.MULTILINE)
    assert dockerfile.count("-slim") == 2
    assert "HEALTHCHECK" in dockerfile
    assert dockerfile.rstrip().endswith('CMD ["functions-framework"]')
