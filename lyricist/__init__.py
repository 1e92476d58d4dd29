"""The model that writes lyrics. Knows text and tensors, not jobs: no cloud client is imported here."""
