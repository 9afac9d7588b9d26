"""Generation: a network that learns where pictures come from, and draws new ones."""
