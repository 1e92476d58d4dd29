"""The figures for Prometheus, and the dashboard that is shipped with them."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.deploy.test_one_machine import tool
from tests.support.api import make_api
from tests.support.paths import ROOT

HERE = {"REMOTE_ADDR": "127.0.0.1"}
DASHBOARD = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text(encoding="utf-8"))


def text() -> str:
    api = make_api()
    api.write(api.submit())
    api.worker_side.show_ends()
    return api.client.get("/metrics", environ_base=HERE).text


def names() -> set[str]:
    return set(re.findall(r"^(versequeue_\w+)", text(), re.MULTILINE))


def test_prometheus_own_tool_finds_no_fault_in_the_metrics() -> None:
    promtool = tool("promtool", "Debian: prometheus")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text(), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def queries() -> list[tuple[str, str]]:
    return [
        (panel["title"], target["expr"])
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]


@pytest.mark.parametrize(("panel", "query"), queries())
def test_every_query_of_the_dashboard_asks_for_what_there_is(panel: str, query: str) -> None:
    asked = set(re.findall(r"versequeue_\w+", query))
    assert asked
    assert asked <= names(), panel


def test_every_metric_of_the_service_but_three_is_on_the_dashboard() -> None:
    asked = {name for _, query in queries() for name in re.findall(r"versequeue_\w+", query)}
    ours = {re.sub(r"_(bucket|sum|count)$", "_bucket", name) for name in names()}
    left_out = {"versequeue_build_info", "versequeue_lines_total", "versequeue_tokens_total"}
    assert ours - asked == left_out


def test_the_dashboard_is_one_that_grafana_can_be_given() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["gridPos"]["w"] <= 24 for panel in panels)
    assert DASHBOARD["templating"]["list"][0]["query"] == "prometheus"
