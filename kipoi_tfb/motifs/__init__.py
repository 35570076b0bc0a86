"""PWMs: read, found, scored; no network."""
