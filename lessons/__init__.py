"""The lecture's examples, each rebuilt as one short script.  `python -m lessons` lists them.

A lesson has `main(...)`, which computes and returns its results; `claims(results)`, what the lesson
says that one must see, beside what was seen; and `show(results)`, its figures by name.
"""

CHAPTERS = {
    "convolution": ["sharpen", "xo"],
}
