"""A model bundle, the folder that holds a model: what is in it, whether it is whole, up to date.

Knows neither how a bundle is built nor how its network is run.
"""
