"""The submit function: takes jobs and batches. Knows no model."""
