"""Diffusion: data dissolve into noise, and a network learns the way back."""
