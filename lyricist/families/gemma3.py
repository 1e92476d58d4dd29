"""Gemma 3, its text models: GELU, a norm before and after each half of a layer and in each head,
and most layers local, with a window and a rotary base of their own."""

from dataclasses import replace

from lyricist.bundle.network_options import Activation
from lyricist.checkpoints.config import MOST_LAYERS, MOST_POSITIONS, Config
from lyricist.families.llama import base_plan
from lyricist.families.plan import Plan
from lyricist.families.rope import read_rope

LOCAL, GLOBAL = "sliding_attention", "full_attention"
#: One layer of so many is not local, unless the checkpoint says which.
PATTERN = 6


def gemma3(config: Config, context_length: int) -> Plan:
    """Raises BuildError."""
    activation = config.text("hidden_activation", "gelu_pytorch_tanh")
    if activation != "gelu_pytorch_tanh":
        raise config.fault("hidden_activation", f"is {activation!r}")
    if config.flag("use_bidirectional_attention"):
        raise config.fault("use_bidirectional_attention", "is true: it does not write")
    for capped in ("attn_logit_softcapping", "final_logit_softcapping"):
        if config.has(capped):
            raise config.fault(capped, "is set, which cannot be built")
    plan = base_plan(config, context_length, "Gemma 3", rope_base=1_000_000.0)
    numbers = plan.architecture
    older = config.real("rope_local_base_freq", 10_000.0)
    local = read_rope(config.part("rope_parameters").part(LOCAL), numbers.head_size, older)
    plan = plan.with_options(
        activation=Activation.GELU,
        head_norms=True,
        post_norms=True,
        local_layers=_local_layers(config, numbers.layers),
        window=config.whole("sliding_window", MOST_POSITIONS),
        local_rope_base=local.base,
    )
    return replace(
        plan,
        query_scale=config.real("query_pre_attn_scalar", numbers.head_size) ** -0.5,
        embedding_scale=numbers.width**0.5,
        gain_offset=1.0,
        tied=True,
        feed_forward_norm="pre_feedforward_layernorm",
    )


def _local_layers(config: Config, layers: int) -> tuple[int, ...]:
    kinds = config.texts("layer_types")
    if not kinds:
        pattern = config.whole("sliding_window_pattern", MOST_LAYERS, PATTERN)
        kinds = tuple(GLOBAL if (at + 1) % pattern == 0 else LOCAL for at in range(layers))
    if len(kinds) != layers or not {LOCAL, GLOBAL} >= set(kinds):
        raise config.fault("layer_types", "does not name the kind of each layer")
    return tuple(at for at, kind in enumerate(kinds) if kind == LOCAL)
