"""A model bundle, the folder that holds a model: what is in it, and whether it is whole.

Knows neither how a bundle is built nor how its network is run.
"""
