"""PostgreSQL and Redis out of Python packages, for machines that have neither.

Used wherever DATABASE_URL or REDIS_URL is not set. ``resolve`` is the way in: it starts the servers of a
CONNECTOR_HOME or joins running ones, and returns the settings. Any number of processes may do so at
once; each holds a lease, and when the last lease ends, however its holder died, the servers are stopped.
"""
