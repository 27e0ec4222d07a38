"""The Celery workers, the sync itself, and the command line."""
