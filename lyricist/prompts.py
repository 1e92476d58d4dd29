"""Prompts as a file has them, and the frozen fifty by which models are compared."""

from functools import cache
from importlib import resources


@cache
def frozen_prompts() -> tuple[str, ...]:
    """The fifty prompts that published figures are about."""
    text = resources.files("lyricist").joinpath("prompts.txt").read_text(encoding="utf-8")
    return read_prompts(text)


def read_prompts(text: str) -> tuple[str, ...]:
    """One prompt a line; empty lines and lines that start with # are skipped."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
