"""What setup.cfg cannot say: the folder lessons is installed under the name tinynet_lessons.

`lessons` alone would be too common a name for a package that lies beside all others.
"""

from setuptools import find_packages, setup

framework = find_packages(include=["tinynet", "tinynet.*"])
lessons = find_packages(include=["lessons", "lessons.*"])

setup(
    packages=[*framework, *(f"tinynet_{name}" for name in lessons)],
    package_dir={"tinynet_lessons": "lessons"},
)
