"""A supplier's small web shop without any feed."""
