"""What every `*_fn/main.py` begins with: the process's settings, store and queue, and its messages.

The one place that chooses a backend.
"""
