"""Entries: what they say, hold and weigh; how they are found, written, checked."""
