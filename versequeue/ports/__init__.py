"""What is promised by whatever keeps jobs (`store`) and carries hints of them (`queue`)."""
