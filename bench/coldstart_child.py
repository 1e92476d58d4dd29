"""One cold worker, from its process start to its first line in the store, step by step.

Run as a module: takes the engine, the bundle, the data folder, a job's id and the moment at which
its parent started it; prints the moments as JSON. What it does is what the worker function does.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def main(engine: str, bundle: str, data_dir: str, job_id: str, started_at: str) -> None:
    """Claim the job, write its first line, and stop."""
    began = float(started_at)
    seen: dict[str, float] = {"python": time.time() - began}

    def step(name: str) -> None:
        seen[name] = time.time() - began - sum(seen.values())

    def finish() -> None:
        print(json.dumps({**seen, "total": sum(seen.values())}), flush=True)
        os._exit(0)

    os.environ.update(VERSEQUEUE_DATA_DIR=data_dir, VERSEQUEUE_LOG_LEVEL="ERROR")
    os.environ.update(VERSEQUEUE_PROGRESS_INTERVAL_S="0", TF_CPP_MIN_LOG_LEVEL="3")
    import functions_framework  # noqa: F401
    import waitress  # noqa: F401

    from versequeue.functions import wiring
    from versequeue.rules.job import Stage
    from worker_fn import lyrics, studio  # noqa: F401
    from worker_fn.orders import song_request

    step("imports")
    import_runtime(engine)
    step("runtime")
    attempt = wiring.worker_side("bench").claim(job_id, Stage.LOADING_MODEL)
    if attempt is None:
        raise SystemExit("the job could not be claimed")
    step("claim")
    from lyricist.arrays import FloatArray
    from lyricist.writing.writer import Writer

    writer = Writer.open(Path(bundle))
    step("load")
    network = writer._engine
    read = network.prefill

    def first_prefill(row: int, tokens: Sequence[int]) -> FloatArray:
        logits = read(row, tokens)
        network.prefill = read  # type: ignore[method-assign]
        step("first_token")
        if engine == "saved":
            finish()  # without keys and values, a line takes it so long that nobody would wait
        return logits

    network.prefill = first_prefill  # type: ignore[method-assign]

    def on_lines(_index: int, lines: Sequence[str]) -> bool:
        attempt.lines(lines)
        step("first_line")
        return False

    writer.write([song_request(attempt.job)], on_lines)
    finish()


def import_runtime(engine: str) -> None:
    """The model runtime, which the writer would import by itself, so that its time stands alone."""
    if engine == "litert":
        import ai_edge_litert.interpreter
    elif engine == "tensorflow":
        import ai_edge_litert.interpreter
        import tensorflow as tf

        # The same engine and file, run by the interpreter that is inside TensorFlow.
        ai_edge_litert.interpreter.Interpreter = tf.lite.Interpreter  # type: ignore[misc, unused-ignore]
    else:
        import tensorflow as tf


if __name__ == "__main__":
    main(*sys.argv[1:6])
