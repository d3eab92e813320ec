"""Which source sells what: routing, the rules it obeys, and what the rules would have done."""
