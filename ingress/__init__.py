"""The thin web process that takes BILL's webhooks."""
