"""How a checkpoint becomes the network: its numbers, and how its tensors are named and scaled."""

from dataclasses import dataclass, replace

from lyricist.bundle.architecture import Architecture
from lyricist.bundle.network_options import NetworkOptions


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to know of one checkpoint. Tensors are named as in a Llama unless said."""

    #: The family, as people call it.
    family: str
    architecture: Architecture
    #: What queries are multiplied by, before they meet keys.
    query_scale: float
    #: What embeddings, all that a layer adds to them, and logits are multiplied by.
    embedding_scale: float = 1.0
    residual_scale: float = 1.0
    logit_scale: float = 1.0
    #: What is added to each stored gain of a norm.
    gain_offset: float = 0.0
    #: Whether the embedding is the output matrix, whatever the files hold.
    tied: bool = False
    #: The matrices of a feed-forward layer; the first may be both, one above the other.
    gate_up: tuple[str, ...] = ("mlp.gate_proj", "mlp.up_proj")
    down: str = "mlp.down_proj"
    feed_forward_norm: str = "post_attention_layernorm"
    attention_post_norm: str = "post_attention_layernorm"
    feed_forward_post_norm: str = "post_feedforward_layernorm"

    def with_options(self, **options: object) -> "Plan":
        """The same of a network that has these `NetworkOptions` too."""
        own: NetworkOptions = replace(self.architecture.options, **options)  # type: ignore[arg-type]
        return replace(self, architecture=replace(self.architecture, options=own))
