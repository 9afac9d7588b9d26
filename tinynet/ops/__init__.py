"""Differentiable functions, one kind a file, with forward and backward side by side."""
