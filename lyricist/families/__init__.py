"""Families of networks: each says in one small file what its checkpoints call the network's parts.

`table` lists them; `plan` is what each gives; `weights` does as the plan says.
"""
