"""The engine: tensors, the record of what was done to them, and the walk back."""
