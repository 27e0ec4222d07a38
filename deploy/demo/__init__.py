"""``make demo``: a working day of an accounting firm, played against the simulated BILL and Visma.net.

The day is a list of chapters (``chapters``); each does what people do in BILL and in Visma, waits for what
the connector makes of it, and leaves promises that are proved at the end. The table and the checks read
what the two simulated systems hold, never the connector's own database.
"""
