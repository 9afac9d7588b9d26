"""The benchmark of the lessons' models on the CPU and on the GPU."""
