"""The served int8 network says what the float network in TensorFlow says."""

from pathlib import Path

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.building.adapter import read_adapter
from lyricist.building.own_adapter import own_adapters
from lyricist.building.recipes import default_recipe, tiny_recipe
from lyricist.building.release import packaged_gguf
from lyricist.bundle.architecture import EMBEDDING_DIVISOR, MASKED, rope_tables
from lyricist.bundle.manifest import Bundle, read_bundle
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.engine.litert import LiteRtEngine
from lyricist.vocabulary.tokens import Vocabulary

#: Not the model's own words, so that it is often in doubt what comes next.
STRANGE_TEXT = (
    "The city lights are shining on the river in the rain, and I am standing on the platform with "
    "a ticket in my hand. My mother told me long ago that every road would lead me home again, but "
    "she never told me how to find the way. So I walk along the water till the morning breaks the "
    "dark, and I count the empty windows and the names upon the doors. There is music in the "
    "alley and a fire in the park, and a stranger sings the song that I had lost so long before."
)
REQUEST = (
    "<|im_start|>user\nWrite the lyrics of a folk song about a lighthouse.<|im_end|>\n"
    "<|im_start|>assistant\n"
)
WEEKDAYS = (
    "<|im_start|>user\nWhat are the seven days of the week?<|im_end|>\n<|im_start|>assistant\n"
)
#: As the model writes when it always takes the likeliest token.
OWN_TEXT = """\
The lighthouse stood at the edge of the sea, a beacon of hope and safety,
A lone figure stood watch, a story of love and loss,
A lighthouse stands by the side of the ocean, a symbol of peace and freedom,
A lighthouse stands by the side of the sea, a symbol of love and loss,
A lighthouse stands by the side of the world, a symbol of hope and freedom,
A lighthouse stands by the side of the world, a symbol of love and loss,
The lighthouse stands by the side of the world, a symbol of love and loss,
And in the darkness, a lighthouse stands by the side of the sea, a symbol of love and loss,
"""

#: tests/support/model_bundles.py builds with these.
RECIPES = {"default": default_recipe, "tiny": tiny_recipe}


class FloatNetwork:
    """The TensorFlow network with the weights that a bundle was quantized from."""

    def __init__(self, preset: str, bundle: Bundle) -> None:
        from lyricist.building.network import forward  # imports TensorFlow, which takes seconds

        self._forward = forward
        self.architecture = bundle.architecture
        own = own_adapters(bundle.source_sha256, preset, (), untuned=False)
        adapters = [read_adapter(each) for each in own]
        recipe = RECIPES[preset](GgufFile(packaged_gguf()), None, adapters)
        weights = dict(recipe.weights())
        self._embedding = weights["output"] / weights[EMBEDDING_DIVISOR]
        self._weights = weights
        self._cosines, self._sines = rope_tables(bundle.architecture)

    def logits(self, tokens: list[int]) -> FloatArray:
        """(tokens, vocabulary): what follows each token, all positions in one chunk."""
        count, architecture = len(tokens), self.architecture
        shape = (1, architecture.key_value_heads, 1, architecture.head_size)
        inputs = {
            "hidden": self._embedding[tokens],
            "cosine": self._cosines[:count, np.newaxis],
            "sine": self._sines[:count, np.newaxis],
            "cached_mask": np.full((count, 1, 1, 1), MASKED),
            "new_mask": np.where(np.tri(count), np.float32(0), MASKED)[:, None, None],
            "chosen": np.eye(count, dtype=np.float32),
        }
        for layer in range(architecture.layers):
            inputs[f"key_{layer}"] = np.zeros(shape, np.float32)
            inputs[f"value_{layer}"] = np.zeros(shape, np.float32).swapaxes(2, 3)
        logits: FloatArray = self._forward(architecture, 1, self._weights, inputs)["logits"].numpy()
        return logits


def following(engine: LiteRtEngine, tokens: list[int]) -> FloatArray:
    """(tokens, vocabulary): what follows each token, one step at a time."""
    engine.rewind(0, 0)
    first = engine.prefill(0, tokens[:1])
    return np.stack([first, *(engine.step({0: token})[0] for token in tokens[1:])])


def greedy(engine: LiteRtEngine, prompt: list[int], count: int) -> list[int]:
    engine.rewind(0, 0)
    text = [int(engine.prefill(0, prompt).argmax())]
    while len(text) < count:
        text.append(int(engine.step({0: text[-1]})[0].argmax()))
    return text


def log_softmax(logits: FloatArray) -> FloatArray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    scores: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return scores


@pytest.mark.model
def test_the_default_network_agrees_with_tensorflow(default_bundle: Path) -> None:
    bundle = read_bundle(default_bundle)
    tokens = Vocabulary(bundle)
    network, engine = FloatNetwork("default", bundle), LiteRtEngine(bundle)
    request = tokens.encode(REQUEST, markup=True)
    strange = tokens.encode(STRANGE_TEXT)
    own = request + tokens.encode(OWN_TEXT)

    wanted, found = network.logits(strange), following(engine, strange)
    same = wanted.argmax(axis=1) == found.argmax(axis=1)
    theirs, ours = log_softmax(wanted), log_softmax(found)
    divergence = (np.exp(theirs) * (theirs - ours)).sum(axis=1).mean()
    assert divergence < 0.02, "Kullback-Leibler divergence from the float network"

    written = slice(len(request) - 1, None)
    wanted, found = network.logits(own)[written], following(engine, own)[written]
    same_of_own = wanted.argmax(axis=1) == found.argmax(axis=1)
    assert np.concatenate([same, same_of_own]).mean() >= 0.95


@pytest.mark.model
def test_the_default_network_gives_one_text_on_one_thread_and_on_two(default_bundle: Path) -> None:
    bundle = read_bundle(default_bundle)
    prompt = Vocabulary(bundle).encode(REQUEST, markup=True)
    text, other = (greedy(LiteRtEngine(bundle, 4, threads), prompt, 24) for threads in (1, 2))
    assert text == other


@pytest.mark.model
def test_the_default_network_goes_on_as_it_always_did(default_bundle: Path) -> None:
    """Golden texts of which the model is sure, so that they hold on any processor."""
    bundle = read_bundle(default_bundle)
    tokens, engine = Vocabulary(bundle), LiteRtEngine(bundle)
    for start, golden in (
        ("1, 2, 3, 4, 5, 6, 7,", " 8, 9, 10, 11,"),
        (WEEKDAYS, "The seven days of the week are"),
    ):
        wanted = tokens.encode(golden)
        assert (
            tokens.decode(greedy(engine, tokens.encode(start, markup=True), len(wanted))) == golden
        )


@pytest.mark.model
def test_the_default_network_writes_a_row_alone_as_in_a_batch(default_bundle: Path) -> None:
    bundle = read_bundle(default_bundle)
    tokens, engine = Vocabulary(bundle).encode(STRANGE_TEXT), LiteRtEngine(bundle)
    starts = {engine.branches * n: tokens[n : 9 * n + 5] for n in range(4)}
    alone = {}
    for row, start in starts.items():
        engine.prefill(row, start)
        alone[row] = [engine.step({row: token})[row] for token in tokens[:6]]
        engine.rewind(row, len(start))
    for token, logits in zip(tokens[:6], zip(*alone.values(), strict=True), strict=True):
        together = engine.step(dict.fromkeys(starts, token))
        assert all(
            np.array_equal(alone_logits, together[row])
            for row, alone_logits in zip(starts, logits, strict=True)
        )


@pytest.mark.model
def test_the_tiny_network_writes_the_same_greedy_text_as_tensorflow(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    network, prompt = FloatNetwork("tiny", bundle), [500, 600, 700]
    text = list(prompt)
    for _ in range(40):
        text.append(int(network.logits(text)[-1].argmax()))
    assert greedy(LiteRtEngine(bundle), prompt, 40) == text[len(prompt) :]
