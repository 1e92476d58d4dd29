"""What every `*_fn/main.py` begins with: the process's settings, store, queue and messages."""
