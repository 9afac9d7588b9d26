"""Chapter machine: the same numbers in less time, and what the machine does meanwhile."""
