"""Checks of one tenant, one line each: what one finds wrong stops no other that does not need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from redis.exceptions import RedisError

from shared.errors import CredentialsRefused, NotYet, Unavailable, UsageError
from shared.settings import Settings
from shared.vault import SealBroken, UnknownKeyId
from workers.cli.errors import explain
from workers.cli.output import clean

State = Literal["ok", "warning", "failed", "skipped"]

_MARKS: Final = {"ok": "ok", "warning": "WARNING", "failed": "FAILED", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found, and what to do where that is not good."""

    name: str
    state: State
    detail: str
    next_step: str | None = None

    def __str__(self) -> str:
        told = f"{self.name}: {self.detail}"
        return f"{_MARKS[self.state]:8} {clean(f'{told}; {self.next_step}' if self.next_step else told)}"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something to look at that does not stop the sync."""

    detail: str
    next_step: str


class Fault(Exception):
    """Something wrong that no error of a system tells."""

    def __init__(self, detail: str, next_step: str) -> None:
        super().__init__(detail)
        self.detail, self.next_step = detail, next_step


@dataclass(slots=True)
class Checks:
    """The checks of one tenant so far; ``tell`` hears of each as it ends."""

    tenant: str
    settings: Settings
    tell: Callable[[Check], None]
    done: dict[str, Check] = field(default_factory=dict)

    def run(self, name: str, look: Callable[[], str | Doubt], advice: str, needs: Sequence[str] = ()) -> bool:
        """Look, unless a check that this one ``needs`` did not pass; whether it did. Never raises.

        ``look`` gives what it found, and raises what is wrong; ``advice`` is the next step then.
        """
        check = self._run(name, look, advice, needs)
        self.done[name] = check
        self.tell(check)
        return check.state in {"ok", "warning"}

    def _run(self, name: str, look: Callable[[], str | Doubt], advice: str, needs: Sequence[str]) -> Check:
        missing = [need for need in needs if self.done[need].state in {"failed", "skipped"}]
        if missing:
            return Check(name, "skipped", f"needs {missing[0]}")
        try:
            found = look()
        except Fault as fault:
            return Check(name, "failed", fault.detail, fault.next_step)
        except Exception as error:  # whatever it is: the other checks go on, and this one says so
            unreached = isinstance(error, Unavailable) and not isinstance(error.__cause__, RedisError)
            text = str(error) if unreached else explain(error, self.settings)
            text = text.replace("set TENANT", f"set {self.tenant}")
            return Check(name, "failed", text, None if _says_enough(error) else advice or None)
        if isinstance(found, Doubt):
            return Check(name, "warning", found.detail, found.next_step)
        return Check(name, "ok", found)

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [name for name, check in self.done.items() if check.state == "failed"]


def _says_enough(error: Exception) -> bool:
    """Whether an error's own text says what to do."""
    if isinstance(error.__cause__, RedisError):
        return True
    return isinstance(error, CredentialsRefused | UsageError | NotYet | UnknownKeyId | SealBroken)


def tell_skew(skew_s: float, whose: str) -> str | Doubt:
    """What a clock's difference from ours means. Raises Fault where the polls could miss changes."""
    told = f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} ours"
    ours = "let this machine keep its time with NTP"
    if abs(skew_s) > MOST_SKEW_S:
        raise Fault(f"{whose} clock is {told}", f"{ours}; beyond {MOST_SKEW_S:.0f} s changes could be missed")
    if abs(skew_s) > SOME_SKEW_S:
        return Doubt(f"{whose} clock is {told}", ours)
    return f"agrees with ours to {max(1.0, abs(skew_s)):.0f} s"


SOME_SKEW_S: Final = 15.0
MOST_SKEW_S: Final = 120.0
"""As much as the walks over BILL's lists allow for."""
