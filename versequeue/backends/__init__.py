"""The ports on SQLite and on Firestore and Pub/Sub, and bundles out of a bucket. Knows no rules."""
