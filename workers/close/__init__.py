"""The month-end proof: a month's bills beside their supplier invoices, read fresh from both systems."""
