"""From a base and the regions of one TF to an entry with a verdict."""
