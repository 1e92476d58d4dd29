"""Converts the network to a .tflite graph whose weights are still inputs. Imports TensorFlow."""

from collections.abc import Collection

import tensorflow as tf

from lyricist.building.network import forward, input_specs
from lyricist.bundle.architecture import Architecture


def convert_network(
    architecture: Architecture, branches: int, state_layers: Collection[int]
) -> bytes:
    """A .tflite flatbuffer with one signature, whose inputs are the network's and the weights."""
    inputs = input_specs(architecture, branches)
    weights = {
        name: tf.TensorSpec(shape, tf.float32, name)
        for name, shape in architecture.weight_shapes().items()
    }
    owner = tf.Module()
    owner.network = tf.function(
        lambda weights, inputs: forward(architecture, branches, weights, inputs, state_layers),
        autograph=False,
    )
    traced = owner.network.get_concrete_function(weights, inputs)
    graph: bytes = tf.lite.TFLiteConverter.from_concrete_functions([traced], owner).convert()
    return graph
