"""Which offers are for the same thing: evidence, vetoes, and a verdict that people can read.

The decision (`text`, `sizes`, `facts`, `keys`, `verdict`) is pure; `run` matches the offers that
a run brought, set-wise, and `joining` merges, splits and answers the review queue.
"""
