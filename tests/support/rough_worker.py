"""A worker function without a model that does what the prompt says: hang, stand still or die.

`source` is its main.py; the process that is made of it notes its pid in the file `pids`.
"""

from pathlib import Path

_SOURCE = """
import os, pathlib, signal, threading
import functions_framework
from tests.support.samples import song_of
from versequeue.functions import wiring
from versequeue.functions.push import job_ids, read_message
from versequeue.rules.job import Metrics, Stage

side = wiring.worker_side(wiring.settings().worker)
with pathlib.Path({pids!r}).open("a") as pids:
    print(os.getpid(), file=pids)

@functions_framework.cloud_event
def worker(event):
    attempts = side.claim_all(job_ids(read_message(event.data)), Stage.WRITING)
    prompts = [attempt.job.prompt for attempt in attempts]
    if "die" in prompts:
        os._exit(1)
    if "hang" in prompts:
        threading.Event().wait()
    if "stand still" in prompts and attempts[0].job.attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
        threading.Event().wait()  # another thread may take the signal, and this one go on a while
    for attempt in attempts:
        attempt.succeed(song_of("one", "two"), Metrics())
"""


def source(pids: Path) -> str:
    """Its main.py."""
    return _SOURCE.format(pids=str(pids))
