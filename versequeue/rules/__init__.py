"""What a job, a batch and a webhook are, and what may become of them: pure values, no clock."""
