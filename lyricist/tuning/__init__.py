"""Tunes a model on somebody's lyrics: reads them, trains an adapter, writes it to a file.

The entrance is `tune.tune_model`. What it makes, an adapter, belongs to `lyricist.building`, and
nothing here is needed to build a bundle or to write a song.
"""
