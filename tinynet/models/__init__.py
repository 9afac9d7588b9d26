"""Models: modules, layers in a row, graphs of layers, and their tables."""
