"""Telling a receiver that a job or a batch has ended: where to, what, and what came back.

When a delivery is due is decided by `rules.webhook`.
"""
