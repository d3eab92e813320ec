"""World → catalogue: pull, normalise, diff, judge, load."""
