"""What a person reads: scores sorted and filtered."""
