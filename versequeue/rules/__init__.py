"""What a job, a batch and a webhook are, and what may become of them: pure values, no I/O.

Knows no store, no queue and no clock: the time comes in as an argument.
"""
