"""All families that can be built, by what checkpoints call them."""

from collections.abc import Callable

from lyricist.checkpoints.checkpoint import Checkpoint, check_tensors
from lyricist.checkpoints.config import Config
from lyricist.errors import BuildError
from lyricist.families.gemma3 import gemma3
from lyricist.families.granite import granite, granite4
from lyricist.families.llama import llama
from lyricist.families.mistral import mistral
from lyricist.families.plan import Plan
from lyricist.families.qwen2 import qwen2
from lyricist.families.qwen3 import qwen3
from lyricist.families.weights import spare_tensors, tensor_shapes

#: config.json's `model_type`, or GGUF's `general.architecture` -> what reads the numbers, given how
#: many positions are wanted.
FAMILIES: dict[str, Callable[[Config, int], Plan]] = {
    "llama": llama,
    "mistral": mistral,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "granite": granite,
    "granitemoehybrid": granite4,
    "gemma3": gemma3,
    "gemma3_text": gemma3,
}


def plan_of(checkpoint: Checkpoint, context_length: int) -> Plan:
    """How `checkpoint` becomes the network. BuildError unless it is of a known family and has all
    of that family's tensors, in their shapes, and no others."""
    read = FAMILIES.get(checkpoint.kind)
    if read is None:
        known = ", ".join(sorted(FAMILIES))
        raise BuildError(
            f"{checkpoint.path} holds a {checkpoint.kind!r} network, which cannot be built; "
            f"those that can: {known}."
        )
    plan = read(checkpoint.config, context_length)
    check_tensors(checkpoint, tensor_shapes(checkpoint, plan), spare_tensors(plan))
    return plan
