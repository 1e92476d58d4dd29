"""Fits the judge of lines to ratings: reads rated drafts with the model, weighs, says how well.

Nothing here is needed to write a song. README.md says how the ratings came about.
"""
