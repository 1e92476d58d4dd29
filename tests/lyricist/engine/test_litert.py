"""The engine keeps to its port: families are independent, and no row is ever overfull."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.bundle.manifest import DRAFTS as FAMILY
from lyricist.bundle.manifest import MODEL, read_bundle
from lyricist.engine.litert import (
    CACHE_STEP_POSITIONS,
    CHUNK_POSITIONS,
    WIDE_OWN_POSITIONS,
    LiteRtEngine,
)
from lyricist.errors import BundleError, ContextFull

TOKENS = [int(token) for token in np.random.default_rng(1).integers(300, 8000, 300)]

WIDE_ROWS = 5 * FAMILY


@pytest.fixture(scope="module")
def shared(tiny_bundle: Path) -> LiteRtEngine:
    return LiteRtEngine(read_bundle(tiny_bundle), max_rows=8 * FAMILY, wide_rows=WIDE_ROWS)


@pytest.fixture
def engine(shared: LiteRtEngine) -> Iterator[LiteRtEngine]:
    yield shared
    for row in range(shared.max_rows + shared.wide_rows):
        shared.rewind(row, 0)


def same(left: FloatArray, right: FloatArray) -> bool:
    """Bit for bit."""
    return bool(np.array_equal(left, right))


def close(left: FloatArray, right: FloatArray) -> bool:
    """Equal but for rounding: a chunk groups its sums otherwise than single steps do."""
    return bool(np.allclose(left, right, atol=0.05)) and left.argmax() == right.argmax()


def follow(engine: LiteRtEngine, row: int, tokens: list[int]) -> list[FloatArray]:
    """The logits after each token, one step at a time."""
    return [engine.step({row: token})[row] for token in tokens]


def test_steps_and_a_prefill_agree(engine: LiteRtEngine) -> None:
    whole = engine.prefill(0, TOKENS[:40])
    engine.prefill(1, TOKENS[:10])
    stepped = follow(engine, 1, TOKENS[10:40])[-1]
    assert engine.length(0) == engine.length(1) == 40
    assert close(whole, stepped)


def test_a_prompt_longer_than_a_chunk_agrees_with_its_steps(engine: LiteRtEngine) -> None:
    count = CHUNK_POSITIONS + CACHE_STEP_POSITIONS + 9
    whole = engine.prefill(0, TOKENS[:count])
    engine.prefill(1, TOKENS[:1])
    assert close(whole, follow(engine, 1, TOKENS[1:count])[-1])


def test_rows_stand_in_families(engine: LiteRtEngine) -> None:
    assert engine.branches == FAMILY
    assert engine.max_rows == 8 * FAMILY


def test_a_row_gives_the_same_logits_alone_and_beside_other_families(engine: LiteRtEngine) -> None:
    starts = {FAMILY * n + n % FAMILY: TOKENS[n : 20 + 8 * n] for n in range(8)}
    alone = {}
    for row, start in starts.items():
        engine.prefill(row, start)
        alone[row] = follow(engine, row, TOKENS[:70])
        engine.rewind(row, len(start))
    together = [engine.step(dict.fromkeys(starts, token)) for token in TOKENS[:70]]
    for row in starts:
        assert all(same(alone[row][i], together[i][row]) for i in range(70)), f"row {row}"


def test_drafts_give_the_same_logits_alone_and_beside_other_families(
    engine: LiteRtEngine,
) -> None:
    def write(family: int, others: list[int]) -> list[FloatArray]:
        """Three lines of drafts that end at different places, the last one kept each time."""
        seen, drafts = [], range(family, family + FAMILY)
        for line in range(3):
            for i in range(12):
                going = [row for row in drafts if i < 9 + row % FAMILY]
                asked = {row: TOKENS[line + 9 * i + row % FAMILY] for row in going}
                answers = engine.step({**asked, **dict.fromkeys(others, TOKENS[i])})
                seen += [answers[row] for row in going]
            for row in drafts[:-1]:
                engine.copy(drafts[-1], row)
        return seen

    for row in (0, FAMILY):
        engine.prefill(row, TOKENS[:50])
        for branch in range(1, FAMILY):
            engine.copy(row, row + branch)
    engine.prefill(3 * FAMILY, TOKENS[:130])
    engine.prefill(4 * FAMILY + 1, TOKENS[:9])
    alone = write(0, others=[])
    beside = write(FAMILY, others=[3 * FAMILY, 4 * FAMILY + 1])
    assert all(same(left, right) for left, right in zip(alone, beside, strict=True))


def test_siblings_do_not_see_each_other(engine: LiteRtEngine) -> None:
    engine.prefill(0, TOKENS[:30])
    engine.copy(0, 1)
    for token, other in zip(TOKENS[30:60], TOKENS[100:130], strict=True):
        both = engine.step({0: token, 1: other})
    far = engine.max_rows - 1
    assert close(both[0], engine.prefill(far, TOKENS[:60]))
    engine.rewind(far, 30)
    assert close(both[1], engine.prefill(far, TOKENS[100:130]))


def test_rows_that_come_and_go_do_not_disturb_the_other_families(engine: LiteRtEngine) -> None:
    engine.prefill(3, TOKENS[:30])
    alone = follow(engine, 3, TOKENS[:60])
    engine.rewind(3, 30)
    rows = (5, 6, 9, 17)
    for row in rows:
        engine.prefill(row, TOKENS[row : 2 * row + 40])
    mixed = []
    for i, token in enumerate(TOKENS[:60]):
        others = {row: TOKENS[i + row] for row in rows if i % (row + 2) or i < 9}
        if i == 25:
            engine.rewind(5, 0)
            engine.prefill(5, TOKENS[:5])
        mixed.append(engine.step({3: token, **others})[3])
    assert all(same(left, right) for left, right in zip(alone, mixed, strict=True))


def test_rewinding_is_as_if_it_had_never_been(engine: LiteRtEngine) -> None:
    engine.prefill(0, TOKENS[:30])
    first = follow(engine, 0, TOKENS[30:50])
    engine.rewind(0, 30)
    follow(engine, 0, TOKENS[100:140])
    engine.rewind(0, 30)
    again = follow(engine, 0, TOKENS[30:50])
    assert all(same(left, right) for left, right in zip(first, again, strict=True))


def test_what_replaced_rewound_positions_outlasts_the_window(engine: LiteRtEngine) -> None:
    engine.prefill(0, TOKENS[:30])
    follow(engine, 0, TOKENS[30:33])
    engine.rewind(0, 20)
    follow(engine, 0, TOKENS[100:115])
    engine.prefill(1, TOKENS[:20])
    follow(engine, 1, TOKENS[100:115])
    assert close(engine.step({0: 5})[0], engine.step({1: 5})[1])


def test_a_copy_outlasts_the_window_that_it_was_made_in(engine: LiteRtEngine) -> None:
    engine.prefill(0, TOKENS[:30])
    engine.prefill(1, TOKENS[200:230])
    engine.step({0: 5, 1: 5})
    engine.copy(0, 1)
    engine.prefill(2, TOKENS[:40])
    assert close(engine.step({0: 7})[0], engine.step({1: 7})[1])


@pytest.mark.parametrize("target", [1, FAMILY], ids=["sibling", "other family"])
@pytest.mark.parametrize("window", ["neither", "source", "target", "both"])
def test_a_copy_goes_on_like_its_source(engine: LiteRtEngine, window: str, target: int) -> None:
    other = 2 * FAMILY
    engine.prefill(0, TOKENS[:30])
    engine.prefill(target, TOKENS[200:260])
    follow(engine, 0, TOKENS[30:40])
    stepped = {
        "neither": {other: 5}, "source": {0: 5}, "target": {target: 5}, "both": {0: 5, target: 5}
    }  # fmt: skip
    engine.prefill(other, TOKENS[:3])
    engine.step(stepped[window])
    engine.copy(0, target)
    assert engine.length(target) == engine.length(0)
    answers = engine.step({0: 77, target: 77})
    assert close(answers[0], answers[target])
    alone = engine.step({target: 78})[target]
    assert close(alone, engine.step({0: 78})[0])


def test_a_copy_is_not_tied_to_its_source(engine: LiteRtEngine) -> None:
    engine.prefill(0, TOKENS[:30])
    engine.copy(0, 1)
    follow(engine, 0, TOKENS[50:60])
    after_copy = engine.step({1: 5})[1]
    far = 2 * FAMILY
    engine.prefill(far, TOKENS[:30])
    assert same(after_copy, engine.step({far: 5})[far])


def test_a_copy_onto_itself_changes_nothing(engine: LiteRtEngine) -> None:
    engine.prefill(0, TOKENS[:30])
    engine.copy(0, 0)
    assert engine.length(0) == 30


def test_a_full_row_ends_cleanly_and_stays_usable(engine: LiteRtEngine) -> None:
    room = engine.context_length
    engine.prefill(0, (TOKENS * 4)[: room - 2])
    engine.prefill(1, TOKENS[:10])
    follow(engine, 0, [5, 6])
    with pytest.raises(ContextFull, match="row 0"):
        engine.step({0: 7, 1: 7})
    assert engine.length(0) == room
    assert engine.length(1) == 10, "the other row must not have moved"
    engine.step({1: 7})
    engine.rewind(0, 5)
    engine.step({0: 7, 1: 7})
    assert engine.length(0) == 6


def test_a_prompt_that_does_not_fit_is_refused_whole(engine: LiteRtEngine) -> None:
    engine.prefill(0, TOKENS[:10])
    with pytest.raises(ContextFull):
        engine.prefill(0, (TOKENS * 4)[: engine.context_length - 9])
    assert engine.length(0) == 10


def test_a_row_that_idles_beside_a_full_one_can_go_on(engine: LiteRtEngine) -> None:
    engine.prefill(0, (TOKENS * 4)[: engine.context_length - 1])
    engine.prefill(1, TOKENS[:10])
    engine.step({0: 5, 1: 5})
    engine.step({1: 6})
    assert engine.length(1) == 12


def test_rows_of_the_wide_family_give_what_rows_of_others_give(engine: LiteRtEngine) -> None:
    first = engine.max_rows
    engine.prefill(first, TOKENS[:30])
    for row in range(first + 1, first + WIDE_ROWS):
        engine.copy(first, row)
    texts = {row: TOKENS[40 + row : 60 + row] for row in range(first, first + WIDE_ROWS)}
    for at in range(20):
        answers = engine.step({row: text[at] for row, text in texts.items()})
    for row in (first, first + 7, first + WIDE_ROWS - 1):
        engine.rewind(0, 0)
        engine.prefill(0, TOKENS[:30])
        assert close(answers[row], follow(engine, 0, texts[row])[-1])


def test_a_wide_row_gives_the_same_logits_whatever_the_width_of_the_pass(
    engine: LiteRtEngine,
) -> None:
    first = engine.max_rows
    rows = range(first, first + WIDE_ROWS)

    def write(width: int) -> list[FloatArray]:
        """A text in a graph that was left as wide as `width` rows."""
        engine.prefill(first, TOKENS[:30])
        for row in rows[1:]:
            engine.copy(first, row)
        engine.step(dict.fromkeys(rows[:width], 5))
        for row in rows:
            engine.rewind(row, 30)
        found = [engine.step({first: TOKENS[at], first + 1: 7})[first] for at in range(40)]
        for row in rows:
            engine.rewind(row, 0)
        return found

    narrow, wide = write(2), write(WIDE_ROWS)
    assert all(same(left, right) for left, right in zip(narrow, wide, strict=True))


def test_a_wide_family_with_full_slots_refuses_a_step_and_stays_usable(
    engine: LiteRtEngine,
) -> None:
    first = engine.max_rows
    room = engine.context_length + WIDE_ROWS * WIDE_OWN_POSITIONS
    rows = range(first, first + 3)
    for at, row in enumerate(rows):
        engine.prefill(row, (TOKENS * 4)[: min(engine.context_length, room)])
        room -= engine.length(row)
        if not room:
            break
        assert at < 2
    free = first + WIDE_ROWS - 1
    with pytest.raises(ContextFull, match="family"):
        engine.step({free: 5})
    with pytest.raises(ContextFull, match="family"):
        engine.prefill(free, [5])
    engine.rewind(first, 10)
    assert engine.step({free: 5})
    assert engine.length(free) == 1


def test_the_wide_family_passes_alone(engine: LiteRtEngine) -> None:
    with pytest.raises(ValueError, match="alone"):
        engine.step({0: 5, engine.max_rows: 5})
    assert engine.length(0) == engine.length(engine.max_rows) == 0


def test_an_empty_prompt_is_refused(engine: LiteRtEngine) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        engine.prefill(0, [])


def test_logits_are_the_callers_to_change(engine: LiteRtEngine) -> None:
    first = engine.prefill(0, TOKENS[:10])
    kept = first.copy()
    engine.step({0: 5})[0][:] = 0
    assert same(first, kept)


def test_a_file_that_is_no_model_is_a_bundle_error(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    whole = (bundle.folder / MODEL).read_bytes()
    for name in ("bundle.json", "tokenizer.json", "words.npz"):
        (tmp_path / name).write_bytes((tiny_bundle / name).read_bytes())
    (tmp_path / "model.tflite").write_bytes(b"\0" * len(whole))
    with pytest.raises(BundleError, match="LiteRT cannot load"):
        LiteRtEngine(read_bundle(tmp_path))
