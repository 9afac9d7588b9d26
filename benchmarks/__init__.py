"""One script for each claim about speed or memory in the README.  `python -m benchmarks`."""
