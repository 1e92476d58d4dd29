"""The cap function: takes the project off its billing account when the month's budget is spent.

Deployed only where its owner asks for it. Knows budgets and billing; knows no jobs.
"""
