"""One script for each claim about speed or memory in docs/.  `python -m benchmarks`."""
