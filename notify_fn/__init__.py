"""The notify function: tells receivers of events. Knows no model."""
