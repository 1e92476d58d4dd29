"""Qwen 2 and 2.5: a Llama whose queries, keys and values have biases."""

from lyricist.checkpoints.config import Config
from lyricist.families.llama import base_plan
from lyricist.families.plan import Plan


def qwen2(config: Config, context_length: int) -> Plan:
    """Raises BuildError."""
    refuse_window(config)
    return base_plan(config, context_length, "Qwen 2").with_options(attention_bias=True)


def refuse_window(config: Config) -> None:
    """BuildError if some layers see only so many positions, which no released Qwen does."""
    if config.flag("use_sliding_window"):
        raise config.fault("use_sliding_window", "is true, which cannot be built")
