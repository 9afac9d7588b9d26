"""Autoencoders: a network that learns to say its input again in fewer, or in better, numbers."""
