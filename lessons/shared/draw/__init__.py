"""The drawings of the lessons: one file for each lesson, and style.py, which all share."""
