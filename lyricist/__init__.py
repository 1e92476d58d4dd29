"""The model that writes lyrics. Knows text and tensors, not jobs; imports no cloud client.

From the ground up: `language` is English, `bundle` a model on disk, `vocabulary` its tokens,
`engine` its network at work, `lines` single lines. Above them stand `writing`, which makes songs,
and apart from it `building`, which makes bundles.
"""
