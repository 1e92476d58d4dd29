"""Prompts of at most 500 characters that are hard to read: where matching can go wrong, it does."""

MOST = 500

#: Runs that a pattern with two ways to read a character doubles its work at, combining marks, text
#: that grows when it is folded, and punctuation without a word.
SLOW_PROMPTS = tuple(
    text[:MOST]
    for text in (
        "_" * 60 + "'",
        "f" + "_" * 120 + "!",
        "'" * MOST,
        "a'" * 250,
        "a" + "\u0301" * 499,
        "\u0130" * 200,
        ("s_h_" * 125) + "'",
        "?!" * 250,
        "- " * 250,
        "_'" * 250,
        "\ufdfa" * 100,
        "\u200d_" * 250,
    )
)
