"""Making one record true in Visma."""
