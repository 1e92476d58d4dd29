"""The results function: shows jobs and batches. Knows no model."""
