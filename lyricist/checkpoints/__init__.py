"""A model as others store it: its fields, its tensors, its tokenizer's parts, read and checked.

Every size that a file claims is compared with its bytes before anything is made of it. What the
tensors are for, a family of networks knows.
"""
