"""A bundle made from a model: read, quantized, written, checked with TensorFlow.

Runs once, before anything is served; what serves imports nothing of it. Not called `build`, which
many tools and .gitignore take for throw-away output.
"""
