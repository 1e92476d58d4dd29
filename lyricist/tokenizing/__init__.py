"""From a tokenizer's parts, as a checkpoint has them, to the tokenizer.json of a bundle.

Knows neither the files that the parts come from nor the network.
"""
