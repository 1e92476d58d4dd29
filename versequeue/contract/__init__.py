"""The public contract: its paths, and each object in an answer as a frozen dataclass.

The server makes its answers from these, openapi.json draws them and the client reads into them.
"""
