"""Training: the loop, its progress and history, callbacks, and how a run is resumed."""
