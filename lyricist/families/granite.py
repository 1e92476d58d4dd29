"""Granite 3 and the dense ones of Granite 4: a Llama with multipliers, which fold into weights."""

from dataclasses import replace

from lyricist.checkpoints.config import Config
from lyricist.families.llama import llama
from lyricist.families.plan import Plan

#: What a layer that can be built is called.
ATTENTION = {"attention", "full_attention"}


def granite(config: Config, context_length: int) -> Plan:
    """Raises BuildError."""
    plan = llama(config, context_length)
    return replace(
        plan,
        family="Granite",
        query_scale=config.real("attention_multiplier", 1.0),
        embedding_scale=config.real("embedding_multiplier", 1.0),
        residual_scale=config.real("residual_multiplier", 1.0),
        logit_scale=1 / config.real("logits_scaling", 1.0),
    )


def granite4(config: Config, context_length: int) -> Plan:
    """As Hugging Face stores Granite 4: a hybrid, of which only dense ones can be built."""
    experts = config.whole("num_local_experts", 1 << 16, 0, least=0)
    if experts or not set(config.texts("layer_types")) <= ATTENTION:
        raise config.fault("layer_types", "has state-space layers or experts: only dense ones work")
    if config.text("position_embedding_type", "rope") != "rope":
        raise config.fault("position_embedding_type", "is not 'rope'")
    plan = granite(config, context_length)
    forward = config.whole("shared_intermediate_size", 1 << 18)
    return replace(
        plan,
        family="Granite 4",
        architecture=replace(plan.architecture, feed_forward=forward),
        gate_up=("shared_mlp.input_linear",),
        down="shared_mlp.output_linear",
    )
