"""A model bundle as it lies on disk: what is in it, whether it is whole, whether it is stale.

Knows neither how it is built nor how it is run.
"""
