"""One decoder in a process of its own, so that no other one's threads spin beside it.

Run as a module: reads a line, does one round, prints the figures as a line of JSON; until its
input ends.
"""

import json
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

PROMPT_TOKENS = 128
STREAMS = 8
Logits = npt.NDArray[np.float32]


class Decoder(Protocol):
    """What both sides must do: take a prompt, then one token for each of some rows."""

    def prefill(self, row: int, tokens: list[int]) -> Logits: ...
    def step(self, tokens: Mapping[int, int]) -> dict[int, Logits]: ...
    def clear(self) -> None: ...


class LyricistDecoder:
    """Our engine."""

    def __init__(self, bundle: Path, threads: int) -> None:
        from lyricist.bundle.manifest import read_bundle
        from lyricist.engine.litert import LiteRtEngine

        self._engine = LiteRtEngine(read_bundle(bundle), max_rows=STREAMS, threads=threads)

    def prefill(self, row: int, tokens: list[int]) -> Logits:
        return self._engine.prefill(row, tokens)

    def step(self, tokens: Mapping[int, int]) -> dict[int, Logits]:
        return self._engine.step(tokens)

    def clear(self) -> None:
        for row in range(STREAMS):
            self._engine.rewind(row, 0)


class LlamaDecoder:
    """llama.cpp through its C interface: no Python between a token and the next but the choice."""

    def __init__(self, gguf: Path, threads: int) -> None:
        import llama_cpp

        self._api: Any = llama_cpp
        llama_cpp.llama_log_set(_silence(llama_cpp), None)
        params = llama_cpp.llama_model_default_params()
        self._model = llama_cpp.llama_model_load_from_file(str(gguf).encode(), params)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx, context.n_batch, context.n_seq_max = 512 * STREAMS, 512, STREAMS
        context.n_threads = context.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, context)
        vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._size = llama_cpp.llama_vocab_n_tokens(vocabulary)
        self._batch = llama_cpp.llama_batch_init(512, 0, 1)
        self._lengths = [0] * STREAMS

    def prefill(self, row: int, tokens: list[int]) -> Logits:
        last = len(tokens) - 1
        for i, token in enumerate(tokens):
            self._put(i, row, token, wanted=i == last)
        self._decode(len(tokens))
        return self._logits(last)

    def step(self, tokens: Mapping[int, int]) -> dict[int, Logits]:
        for i, (row, token) in enumerate(tokens.items()):
            self._put(i, row, token, wanted=True)
        self._decode(len(tokens))
        return {row: self._logits(i) for i, row in enumerate(tokens)}

    def clear(self) -> None:
        self._api.llama_memory_clear(self._api.llama_get_memory(self._context), True)
        self._lengths = [0] * STREAMS

    def _put(self, i: int, row: int, token: int, *, wanted: bool) -> None:
        batch = self._batch
        batch.token[i], batch.pos[i] = token, self._lengths[row]
        batch.n_seq_id[i], batch.seq_id[i][0] = 1, row
        batch.logits[i] = wanted
        self._lengths[row] += 1

    def _decode(self, count: int) -> None:
        self._batch.n_tokens = count
        if self._api.llama_decode(self._context, self._batch):
            raise RuntimeError("llama_decode failed")

    def _logits(self, i: int) -> Logits:
        pointer = self._api.llama_get_logits_ith(self._context, i)
        return np.ctypeslib.as_array(pointer, shape=(self._size,))


_kept: list[Any] = []


def _silence(api: Any) -> Any:
    _kept.append(api.llama_log_callback(lambda *_: None))  # ctypes does not keep it alive
    return _kept[-1]


class Reader:
    """No decoder: reads as many bytes as the weights have, which is the least a token can take."""

    def __init__(self, bundle: Path) -> None:
        size = (bundle / "model.tflite").stat().st_size
        self._words = np.ones(size // 8, np.int64)

    def measure(self, steps: int) -> dict[str, float]:
        """Readings a second on one thread."""
        started = time.perf_counter()
        for _ in range(steps):
            self._words.sum()
        return {"one": steps / (time.perf_counter() - started)}


def measure(decoder: Decoder, steps: int) -> dict[str, float]:
    """Tokens a second: of a prompt, of one stream, of eight together; greedy, nothing stops it."""
    prompt = [1, *(260 + 37 * i for i in range(PROMPT_TOKENS - 1))]
    decoder.clear()
    started = time.perf_counter()
    logits = decoder.prefill(0, prompt)
    found = {"prefill": PROMPT_TOKENS / (time.perf_counter() - started)}
    found["one"] = _decode(decoder, {0: int(logits.argmax())}, steps)
    decoder.clear()
    first = {
        row: int(decoder.prefill(row, [*prompt[:24], 300 + row]).argmax()) for row in range(STREAMS)
    }
    found["eight"] = _decode(decoder, first, max(4, steps // 2))
    return found


def _decode(decoder: Decoder, tokens: dict[int, int], steps: int) -> float:
    for _ in range(3):  # a window is opened, buffers are made
        tokens = {row: int(logits.argmax()) for row, logits in decoder.step(tokens).items()}
    started = time.perf_counter()
    for _ in range(steps):
        tokens = {row: int(logits.argmax()) for row, logits in decoder.step(tokens).items()}
    return steps * len(tokens) / (time.perf_counter() - started)


def main(kind: str, path: str, threads: str) -> None:
    """Serve rounds until the input ends."""
    if kind == "reader":
        run = Reader(Path(path)).measure
    else:
        make = LyricistDecoder if kind == "lyricist" else LlamaDecoder
        run = partial(measure, make(Path(path), int(threads)))
    run(4)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(run(int(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
