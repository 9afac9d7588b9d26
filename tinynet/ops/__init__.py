"""Differentiable functions, a file for each kind; forward and backward stand side by side."""
