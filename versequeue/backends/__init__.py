"""The ports on SQLite (one machine) and on Firestore and Pub/Sub, and bundles out of a bucket.

A module applies changes and asks questions; the rules stay in `rules/`.
"""
