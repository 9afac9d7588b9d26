"""The benchmark of the lessons' models and of single operations on the CPU, with its tables."""
