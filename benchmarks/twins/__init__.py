"""The timed models of tinynet and their twins: the same models in PyTorch, JAX and MyGrad."""
