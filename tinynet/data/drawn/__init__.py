"""Pictures drawn by formulas, and points drawn from known distributions."""
