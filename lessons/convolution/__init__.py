"""Chapter convolution: what a filter does to a picture, and what a stack of filters can tell."""
