"""What was bought: quotes, orders, purchases, parcels, claims, and the ledger."""
