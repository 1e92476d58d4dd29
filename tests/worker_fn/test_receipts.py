"""What a receipt holds: enough to have the same written again, and to know that it is the same."""

import hashlib
import json

import pytest

from tests.support.samples import queued_job, song_of
from versequeue.rules.job import Job
from worker_fn.model import OneByOne, Result
from worker_fn.processor import family_of
from worker_fn.receipts import receipt


class Nobody(OneByOne):
    name, digest = "nobody", "sha256:0"

    def result_of(self, job: Job) -> Result:
        raise AssertionError(job)


def test_a_receipt_holds_what_was_asked_and_digests_of_that_and_of_the_lyrics() -> None:
    made = receipt(queued_job(), Nobody(), Result(song_of("one", "two"), effort="quick"))
    assert made["asked"]["prompt"] == "city lights"
    assert made["asked"]["options"]["seed"] == made["seed"] == 7
    assert "model" not in made["asked"]["options"], "which is the server's own name for it"
    canonical = json.dumps(made["asked"], sort_keys=True, separators=(",", ":"))
    assert made["input_digest"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert made["lyrics_digest"] == hashlib.sha256(b"one\ntwo").hexdigest()
    assert made["kernels"]


def test_a_receipt_holds_the_options_of_a_model_that_writes_no_songs() -> None:
    job = queued_job(own_options={"size": 3})
    assert receipt(job, Nobody(), Result({"lyrics": "5"}))["asked"]["options"] == {"size": 3}


@pytest.mark.parametrize(
    ("machine", "listed", "family"),
    [
        ("x86_64", "flags\t\t: fpu avx2 avx512bw avx512_vnni", "x86_64 avx512_vnni"),
        ("x86_64", "flags\t\t: sse4_1 avx2 avx_vnni", "x86_64 avx_vnni"),
        ("aarch64", "Features\t: fp asimd asimddp", "aarch64 asimddp"),
        ("arm64", "", "arm64"),
    ],
)
def test_the_kernels_are_named_by_the_best_that_the_processor_can_do(
    machine: str, listed: str, family: str
) -> None:
    assert family_of(machine, f"processor\t: 0\n{listed}\nbogomips: 1\n") == family
