"""How VerseQueue gets onto other machines: staged folders, steps of gcloud commands, containers.

Knows where things run and what they may do; knows nothing of jobs or lyrics.
"""
