"""Simulated BILL v3 and Visma.net ERP over HTTP: what the real systems refuse, these refuse.

One process, one asyncio loop, everything in memory. Requests become a ``Call`` (wire), a system's
``Front`` identifies and admits it (limits), rules may spoil it (faults), and a plain synchronous
handler answers it with a ``Reply``. The rooms:

``bill/``     organizations, sessions, vendors, bills, classifications, documents, webhooks
``visma/``    companies, tokens, suppliers, supplier invoices, reference lists, background jobs
``console/``  the control interface: seed, act as a person would, spoil requests, look, wait
``control``   a typed client of the control interface, for tests and the demo
``seeds``     ready-made Swedish and Danish companies and the BILL organizations beside them

Start it with ``python -m deploy.sandbox``; README.md beside this file says how to use it.
"""
