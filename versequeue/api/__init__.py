"""The HTTP contract: routes, bodies, answers, problem documents, files, openapi.json.

A handler reads a request, calls the service and answers. Knows no server and no store.
"""
