"""The tools that measure: time in turns, memory of a process, the import, the machine's limits.

PyTorch, which all is compared with, is loaded here.
"""
