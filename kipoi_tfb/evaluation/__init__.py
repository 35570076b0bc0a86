"""How well anything that scores windows tells bound from unbound."""
