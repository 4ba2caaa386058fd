"""Masked parts of the texts that pages show, uncovered one at a time."""
