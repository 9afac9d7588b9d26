"""Attacks on the library: whoever mends it runs them, so that what was mended stays mended."""
