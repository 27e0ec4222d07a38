"""BILL v3: the API, its webhooks, and what a person does in its web application."""
