"""What Redis's errors mean, in words: the server's own texts are long, and those of a pipeline quote the
command, and so what was to be stored.
"""

from __future__ import annotations

from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError


def describe_redis(error: Exception) -> str:
    """What Redis does, as words that follow its name: it refuses, and why, or it does not answer."""
    if isinstance(error, OutOfMemoryError):
        return "refuses writes, its memory is used up (OOM)"
    if isinstance(error, ReadOnlyError):
        return "refuses writes, it is a replica (READONLY)"
    if _says_misconf(error):
        return "refuses writes, it cannot write to its disk (MISCONF)"
    return f"{'refuses' if isinstance(error, ResponseError) else 'does not answer'} ({type(error).__name__})"


def _says_misconf(error: Exception) -> bool:
    """redis-py has no class for it; a pipeline puts its command before the server's text."""
    return str(error).rpartition(" caused error: ")[2].startswith("MISCONF ")
