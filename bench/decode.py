"""Tokens a second, one stream and eight, beside llama.cpp on the same weights."""

import importlib.util
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.harness import Goal, Measurement, Report, Run, alternate
from bench.models import bundle_for_drafts, gguf_file
from bench.processes import module

METHOD = (
    "The network alone, greedy, without any choice of rhymes: a prompt of 128 tokens in one pass, "
    "then one stream, then eight streams that advance together. Both sides start from the same "
    "4-bit GGUF; VerseQueue's bundle holds it as int8, llama.cpp computes on the 4-bit blocks. "
    "The bundle is one for a single draft (`lyricist build --drafts 1`), in which every stream is "
    "on its own, as llama.cpp's are; the default one passes four drafts of a line together. "
    "Each side is a process of its own and is idle while the other one works."
)


CEILING = "reading our weights once, 1 thread"
REMARKS = (
    "*Reading our weights once* is the floor: one stream must read all of them for every token, "
    "and reaches five sixths of that. What it takes beyond it is spent in some 1,700 small "
    "operations (norms, rotations, masks), each of which ends with the threads waiting for each "
    "other, so that a second thread brings little. Eight streams share one reading and one round "
    "of operations, which is why they gain so much. Only fewer bits a weight would lift one stream "
    "far above this; why they were not taken stands in `docs/decisions/model-runtime.md`. A song "
    "is never one stream: its four drafts pass together.",
    "llama.cpp computes on its 4-bit blocks of this kind (Q4_1) one token after the other, so "
    "that a prompt and eight streams take it about as long as so many single tokens.",
)


def ours(threads: int) -> str:
    return f"VerseQueue, {_threads(threads)}"


def theirs(threads: int) -> str:
    return f"llama.cpp, {_threads(threads)}"


def run(quick: bool) -> Report:
    """Prefill and decode, for one and two threads."""
    steps, rounds = (16, 2) if quick else (32, 5)
    skipped = {}
    if importlib.util.find_spec("llama_cpp") is None:
        skipped["llama.cpp"] = "llama-cpp-python is not installed (requirements-bench.txt)"
    with ExitStack() as stack:
        runs: dict[str, Run] = {}
        for threads in (1, 2):
            command = ("lyricist", str(bundle_for_drafts(1)), str(threads))
            runs[ours(threads)] = stack.enter_context(_child(command, steps))
            if not skipped:
                command = ("llama", str(gguf_file()), str(threads))
                runs[theirs(threads)] = stack.enter_context(_child(command, steps))
        command = ("reader", str(bundle_for_drafts(1)), "1")
        runs[CEILING] = stack.enter_context(_child(command, steps))
        found = alternate(runs, rounds)
    # Eight streams beside one stream of the other side is a goal too: one table has both.
    mixed = dict(found["eight"])
    for threads in (1, 2):
        if theirs(threads) in found["one"]:
            mixed[f"{theirs(threads)}, one stream"] = found["one"][theirs(threads)]
    return Report(
        "decode",
        "Decode",
        METHOD,
        [
            Measurement("Prompt of 128 tokens", "tokens/s", found["prefill"], theirs(2), digits=0),
            Measurement(
                "One stream",
                "tokens/s",
                found["one"],
                theirs(2),
                [Goal(ours(t), theirs(t), at_least=1.4) for t in (1, 2)],
            ),
            Measurement(
                "Eight streams together",
                "tokens/s",
                mixed,
                theirs(2),
                [Goal(ours(t), f"{theirs(t)}, one stream", at_least=3.5) for t in (1, 2)],
                digits=0,
            ),
        ],
        remarks=REMARKS,
        skipped=skipped,
    )


@contextmanager
def _child(arguments: tuple[str, str, str], steps: int) -> Iterator[Run]:
    command = module("bench.decode_child", *arguments)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout
        if stdout.readline().strip() != "ready":
            raise RuntimeError(f"{arguments[0]} did not start")

        def measure() -> dict[str, float]:
            stdin.write(f"{steps}\n")
            stdin.flush()
            found: dict[str, float] = json.loads(stdout.readline())
            return found

        yield measure
        stdin.close()


def _threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"
