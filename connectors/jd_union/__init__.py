"""JD Union (联盟): goods shared by a tracked link, orders as commissions. Never routed."""
