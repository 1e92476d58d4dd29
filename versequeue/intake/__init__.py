"""What strangers send, read and bounded before anything is stored: bodies, forms, prompt files."""
