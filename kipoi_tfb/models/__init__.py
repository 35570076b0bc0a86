"""Networks alone: no entry, no file."""
