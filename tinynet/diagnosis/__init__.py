"""Diagnosis: what checks, measures or explains a computation."""
