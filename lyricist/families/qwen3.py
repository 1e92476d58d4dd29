"""Qwen 3: a Llama that normalizes each head's query and key, with heads of any size."""

from lyricist.checkpoints.config import Config
from lyricist.families.llama import base_plan
from lyricist.families.plan import Plan
from lyricist.families.qwen2 import refuse_window


def qwen3(config: Config, context_length: int) -> Plan:
    """Raises BuildError."""
    refuse_window(config)
    if config.flag("attention_bias"):
        raise config.fault("attention_bias", "is true, which no released Qwen 3 has")
    return base_plan(config, context_length, "Qwen 3").with_options(head_norms=True)
