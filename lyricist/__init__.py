"""The model that writes lyrics. Knows text and tensors, not jobs; imports no cloud client."""
