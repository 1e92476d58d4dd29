"""Texts on which tokenizers differ: scripts, joined emoji, spaces in a row, line ends, markup."""

import random

_PARTS = (
    "the", "The", "river", " harmonica", "I'll", "don't", "WE'RE", "’s", "'S", "camelCase",
    "été", "e\u0301", "naïve", "Ω", "שלום", "مرحبا", "नमस्ते", "漢字", "かな", "한국어", "😀",
    "👩\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "\u200d", "\ufe0f", "\u00a0", "  ", "   ", " ",
    "\n", "\n\n", "\r\n", "\t", ".", ",", "...", "!?", "123", "4567890", "3.14", "½", "²", "٣",
    "a\u0308\u0323", "ﬁ", "İ", "ß", "\u202e", "\x00", "\x7f", "~~", "==>", "</s>", "[INST]",
    "<0x0A>", "▁", "▁▁", "\\n", "_", "$5", "%", "#", "'", '"', "\u2028", "\ufeff",
    "\U0010ffff", "Z\u0337\u035d", "x" * 40, "ab" * 20, "/", "//\n",
)  # fmt: skip
_BETWEEN = ("", "", " ", " ", "  ", "\n")


def hard_texts(count: int, seed: int = 6) -> list[str]:
    """So many texts, the same every time."""
    rng = random.Random(seed)
    return [
        "".join(rng.choice(_PARTS) + rng.choice(_BETWEEN) for _ in range(rng.randint(1, 14)))
        for _ in range(count)
    ]
