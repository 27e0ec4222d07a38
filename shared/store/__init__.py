"""PostgreSQL: one row per BILL record, and what surrounds it."""
