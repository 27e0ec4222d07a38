"""Simulated BILL and Visma.net ERP over HTTP."""
