"""Which numbers the processor multiplies fastest, by what the system says of it."""

from pathlib import Path

import pytest

from lyricist.tuning import processor
from lyricist.tuning.processor import has_bfloat16


@pytest.mark.parametrize(
    ("features", "wanted"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16\n", True),
        ("processor\t: 0\nflags\t\t: fpu avx2\n\nflags\t\t: amx_bf16\n", False),
        ("Features\t: fp asimd bf16\n", True),
        ("model name\t: avx512_bf16\n", False),
    ],
)
def test_bfloat16_is_used_where_the_processor_multiplies_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: str, wanted: bool
) -> None:
    monkeypatch.setattr(processor, "_FEATURES", tmp_path / "cpuinfo")
    assert not has_bfloat16(), "a system that does not say"
    (tmp_path / "cpuinfo").write_text(features)
    assert has_bfloat16() is wanted
