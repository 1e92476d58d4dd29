"""The sweep function: repairs what is due. Knows no model."""
