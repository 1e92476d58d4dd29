"""The paths of the contract: all of them are routed, and an id leads nowhere else."""

from versequeue.api.routes import ROUTES
from versequeue.contract import paths


def test_every_path_that_a_client_asks_for_is_routed() -> None:
    written = {value for name, value in vars(paths).items() if name.isupper()}
    assert written <= {route.path for route in ROUTES}


def test_an_id_stays_one_part_of_its_path() -> None:
    assert paths.path_of(paths.CANCEL_JOB, "job_1") == "/v1/jobs/job_1/cancel"
    assert paths.path_of(paths.BATCH, r"a/b?\1") == "/v1/batches/a%2Fb%3F%5C1"
