"""Entries side by side as one function of windows, and what it says of BED and FASTA."""
