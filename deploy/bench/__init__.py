"""What the connector does in a second, beside what its parts can do alone on the same machine.

``python -m deploy.bench`` starts the whole fleet beside the simulated systems on loopback, puts a bounded
load on it and writes ``var/bench.json``. A figure of one run is good for comparing with others of that
run; how the machine is otherwise used moves them all.
"""
