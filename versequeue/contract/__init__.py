"""What a server answers: each object of the public contract once, as a frozen dataclass.

The server makes its answers from these, openapi.json draws them and the client reads into them.
Knows no store, no HTTP and no pydantic.
"""
