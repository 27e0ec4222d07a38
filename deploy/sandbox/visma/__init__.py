"""Visma.net ERP: the service API, its token endpoint, and what a person does in its screens."""
