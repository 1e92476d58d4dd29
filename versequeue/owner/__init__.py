"""What the owner sees of the whole service: its figures, from a few reads of the store."""
