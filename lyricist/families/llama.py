"""Llama 2, 3, 3.1 and 3.2, SmolLM2, and all that is built like them: Mistral, TinyLlama, Yi."""

from lyricist.bundle.architecture import Architecture
from lyricist.bundle.network_options import NetworkOptions
from lyricist.checkpoints.config import (
    MOST_HEADS,
    MOST_LAYERS,
    MOST_POSITIONS,
    MOST_TOKENS,
    MOST_WIDTH,
    Config,
)
from lyricist.families.plan import Plan
from lyricist.families.rope import read_rope

#: No song fits into fewer.
FEWEST_POSITIONS = 16


def llama(config: Config, context_length: int) -> Plan:
    """The plan of a Llama; other families begin with it. Raises BuildError."""
    if config.flag("attention_bias") or config.flag("mlp_bias"):
        raise config.fault("attention_bias", "is true, which no Llama has")
    activation = config.text("hidden_act", "silu")
    if activation != "silu":
        raise config.fault("hidden_act", f"is {activation!r} and not 'silu'")
    return base_plan(config, context_length, "Llama")


def base_plan(
    config: Config, context_length: int, family: str, rope_base: float = 10_000.0
) -> Plan:
    """The numbers that all families have. Raises BuildError."""
    width = config.whole("hidden_size", MOST_WIDTH)
    heads = config.whole("num_attention_heads", MOST_HEADS)
    head_size = config.whole("head_dim", MOST_WIDTH, width // heads)
    key_value_heads = config.whole("num_key_value_heads", heads, heads)
    if heads % key_value_heads or head_size % 2:
        raise config.fault("num_key_value_heads", "makes heads that cannot be shared out or turned")
    rope = read_rope(config, head_size, rope_base, "full_attention")
    longest = config.whole("max_position_embeddings", MOST_POSITIONS, least=FEWEST_POSITIONS)
    architecture = Architecture(
        vocabulary_size=config.whole("vocab_size", MOST_TOKENS),
        context_length=min(context_length, longest),
        layers=config.whole("num_hidden_layers", MOST_LAYERS),
        width=width,
        heads=heads,
        key_value_heads=key_value_heads,
        head_size=head_size,
        feed_forward=config.whole("intermediate_size", MOST_WIDTH),
        rope_base=rope.base,
        norm_epsilon=config.real("rms_norm_eps", 1e-6),
        options=NetworkOptions(rope_factors=rope.factors),
    )
    return Plan(
        family=family,
        architecture=architecture,
        query_scale=head_size**-0.5,
        tied=config.flag("tie_word_embeddings"),
    )
