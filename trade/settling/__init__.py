"""Who is owed what: statements, payouts, payables, commissions, and what platforms say."""
