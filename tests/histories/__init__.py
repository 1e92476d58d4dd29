"""Histories: real processes are killed, stopped, starved and confused while clients record.

`history` is what clients recorded, `seen` sorts it by jobs, and `checker` proves the promises from
it and from nothing else; `callers` are the clients, `receiver` hears their webhooks, `machine` is
the server and what is done to it, `run` puts them together.
"""
