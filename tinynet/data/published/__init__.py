"""Published data sets: found, downloaded, checked and read."""
