"""Chapter neuron: one weighted sum and a bend, and how many of them learn."""
