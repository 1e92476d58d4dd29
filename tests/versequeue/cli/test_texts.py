"""What a person is told of costs on a terminal."""

from datetime import UTC, datetime

import pytest

from versequeue.cli.texts import batch_text, cents, finish_line, job_text
from versequeue.client.types import Batch, Job
from versequeue.contract.views import MetricsView

METRICS = MetricsView(generate_s=2.1, cost_usd=0.000154044, machine_usd=12.0)
DONE = Job("job_1", "succeeded", True, metrics=METRICS)


@pytest.mark.parametrize(
    ("usd", "told"),
    [(0.000154, "0.015 ¢"), (0.0123, "1.2 ¢"), (0.5, "50 ¢"), (12.5, "1,250 ¢"), (0, "0 ¢")],
)
def test_a_cost_is_told_in_cents_with_two_digits_that_count(usd: float, told: str) -> None:
    assert cents(usd) == told


def test_a_finished_job_tells_its_cost_and_the_machine_that_does_not_run() -> None:
    told = "0.015 ¢ on pay-per-use, and no machine runs at $12 a month"
    assert f"Cost      {told}" in job_text(DONE)
    assert finish_line(DONE).endswith(f"written in 2.1 s · {told}")


def test_a_batch_tells_its_sum_once_it_has_one() -> None:
    made = datetime(2026, 11, 29, tzinfo=UTC)
    running = Batch("batch_1", "running", created_at=made)
    done = Batch("batch_1", "completed", True, cost_usd=0.0031)
    assert "Cost" not in batch_text(running)
    assert "Cost      0.31 ¢ on pay-per-use" in batch_text(done)
