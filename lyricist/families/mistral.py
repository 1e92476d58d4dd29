"""Mistral 7B and its like: a Llama each of whose layers may see only so many positions."""

from dataclasses import replace

from lyricist.checkpoints.config import MOST_POSITIONS, Config
from lyricist.families.llama import llama
from lyricist.families.plan import Plan


def mistral(config: Config, context_length: int) -> Plan:
    """No song is longer than the window: then there is none. Raises BuildError."""
    window = config.whole("sliding_window", MOST_POSITIONS, MOST_POSITIONS)
    return replace(llama(config, min(context_length, window)), family="Mistral")
