"""The page on static hosts, and the functions in containers."""

import json
import re
import subprocess
import sys
import tomllib
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


def test_netlify_sends_the_headers_that_the_local_server_sends() -> None:
    from versequeue.local.app import PAGE_POLICY

    settings = tomllib.loads(Path("netlify.toml").read_text(encoding="utf-8"))
    sent = settings["headers"][0]["values"]

    def policy(text: str) -> set[str]:
        return {part.strip() for part in text.split(";")}

    differing = policy(sent["Content-Security-Policy"]) ^ policy(PAGE_POLICY)
    assert {part.split()[0] for part in differing} == {"connect-src"}
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert settings["build"]["publish"] == "web"


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
    assert re.search(r"^USER (?!root)\w+$", dockerfile, re.MULTILINE)
    assert dockerfile.count("-slim") == 2
    assert "HEALTHCHECK" in dockerfile
    assert dockerfile.rstrip().endswith('CMD ["functions-framework"]')
