"""Reads digits that were drawn on a page; README.md says how, and what to replace."""
