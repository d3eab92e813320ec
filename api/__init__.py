"""HTTP in: one file of routes per audience."""
