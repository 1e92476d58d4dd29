"""The commands of `python -m lyricist`: what is asked for and how it is told. Knows no model."""
