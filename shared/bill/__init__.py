"""BILL (bill.com) v3: client, session, schemas, models, events."""
