"""The survey's techniques, one file each; a file's name is its function's name."""
