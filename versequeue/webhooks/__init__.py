"""Telling a receiver that a job or a batch has ended. `rules.webhook` says when that is due."""
