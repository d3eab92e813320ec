"""The queues by name."""

ORDERS = "orders"
HOOKS = "hooks"
PICTURES = "pictures"
SYNC = "sync"

QUEUES = (ORDERS, HOOKS, PICTURES, SYNC)
"""In the order in which a worker looks into them."""
