"""The worker function of this service: a drawing in, a digit out."""

import json
from pathlib import Path

import functions_framework
from ai_edge_litert.interpreter import Interpreter
from cloudevents.http import CloudEvent

from examples.digits.drawings import read
from versequeue.rules.job import Job
from worker_fn.function import receive
from worker_fn.model import OneByOne, Result


class DigitReader(OneByOne):
    """The trained network in memory. OSError if it is not in `folder`, ValueError if damaged."""

    def __init__(self, folder: Path) -> None:
        self.name, self.digest = json.loads((folder / "bundle.json").read_text()).values()
        graph = (folder / "model.tflite").read_bytes()
        self._network = Interpreter(model_content=graph).get_signature_runner()

    def result_of(self, job: Job) -> Result:
        """The likeliest digits, as many as the option `guesses` says."""
        most = str((job.own_options or {}).get("guesses", 3))
        if not most.isdecimal() or not 1 <= int(most) <= 10:
            raise ValueError("The option guesses is a whole number from 1 to 10.")
        likelihoods = self._network(drawing=read(job.prompt)[None, ..., None])["output_0"][0]
        best = [int(digit) for digit in likelihoods.argsort()[::-1][: int(most)]]
        guesses = [{"digit": digit, "likelihood": float(likelihoods[digit])} for digit in best]
        return Result({"lyrics": str(best[0]), "guesses": guesses})


@functions_framework.cloud_event
def worker(event: CloudEvent) -> None:
    """Acknowledge by returning; 503 when the message is to be delivered again."""
    receive(event, DigitReader)
