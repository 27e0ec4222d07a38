"""Celery tasks: names, arguments, and nothing else."""
