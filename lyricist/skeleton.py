"""Converts the network to a .tflite graph whose weights are still inputs.

The only module beside `network` that imports TensorFlow, which takes seconds: import it late.
"""

from dataclasses import dataclass

import tensorflow as tf

from lyricist.architecture import Architecture
from lyricist.network import forward, input_specs


@dataclass(frozen=True)
class Skeleton:
    """A converted graph, its weights' names standing among its inputs' names."""

    graph: bytes
    #: The outputs' names in the graph's order.
    outputs: tuple[str, ...]


def convert_network(architecture: Architecture) -> Skeleton:
    """Traces and converts the network."""
    inputs = input_specs(architecture)
    weights = {
        name: tf.TensorSpec(shape, tf.float32, name)
        for name, shape in architecture.weight_shapes().items()
    }
    network = tf.function(
        lambda weights, inputs: forward(architecture, weights, inputs), autograph=False
    )
    traced = network.get_concrete_function(weights, inputs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    return Skeleton(converter.convert(), tuple(sorted(traced.structured_outputs)))
