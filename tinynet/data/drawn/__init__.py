"""Pictures drawn by formulas."""
