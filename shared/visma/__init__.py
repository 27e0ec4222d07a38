"""Visma.net ERP: client, token, schemas, models, quirks."""
