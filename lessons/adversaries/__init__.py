"""Adversaries: a network that makes samples, and one that tries to tell them from the data."""
