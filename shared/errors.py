"""The error tree: the branch of an error is the decision what happens next.

    ConnectorError
      Retryable            try again: throttled, unavailable, timeout, session or token expired
        Unavailable        a system gave no answer; many in a row open the tenant's circuit to it
        NotYet             something else must come first; parked uncounted until that wakes it
        NoPlace            no place at a system's limit; give the row back, count no attempt
        ClaimLost          another worker owns the row now; walk away
        PreconditionFailed Visma's 412: fetch again, merge again
      Permanent            a repeat cannot heal it: dead letter
        NotFound           the system does not know the id
        PoisonRecord       its workers die of it
        Refused            Visma's own words why it does not accept a document
      Ignored              not ours to carry
      NeedsPerson          held with a stable reason code until the mapping, Visma or BILL changes
      OutcomeUnknown       a write may have happened: look it up, never repeat it blindly
      CredentialsRefused   login or token endpoint refuses the credentials: suspend the tenant
      UsageError           what a person typed or configured is wrong; the text says what to do
        SettingsError      a setting of the environment

One translator per system (``shared.bill.client``, ``shared.visma.client``) turns status, code and
body into this tree; tasks and sync never look at status codes.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Root of everything the connector raises on purpose. The text is one line without secrets.

    ``sure`` unless a write that it ended may have happened all the same.
    """

    sure: bool = True


class Retryable(ConnectorError):
    """A repeat may heal it.

    ``retry_after_s`` is the wait in seconds that the other side asked for; it wins over our backoff.
    ``counts`` says whether the try is counted as an attempt.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, counts: bool = True) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.counts = counts


class NoPlace(Retryable):
    """All places at a system are taken, or its budget is spent; the row is given back uncounted."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message, retry_after_s=retry_after_s, counts=False)


class Unavailable(Retryable):
    """``system`` gave no answer: it could not be reached, broke off, or said that it is out of order."""

    def __init__(self, system: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.system = system


class NotYet(Retryable):
    """Something else must come first; the row is parked uncounted under ``reason`` until that wakes it.

    ``retry_after_s`` is only the longest wait, should the wake-up be lost.
    """

    def __init__(self, reason: str, message: str, *, retry_after_s: float = 60) -> None:
        super().__init__(message, retry_after_s=retry_after_s, counts=False)
        self.reason = reason


class ClaimLost(Retryable):
    """The claim on a row ran out and someone else may work on it; nothing more may be written."""

    def __init__(self, message: str = "the claim on this record ran out") -> None:
        super().__init__(message, counts=False)


class PreconditionFailed(Retryable):
    """Visma answered 412: the ETag sent is no longer the record's."""


class Permanent(ConnectorError):
    """A repeat with the same input cannot succeed; the record goes to the dead letters."""


class NotFound(Permanent):
    """The system does not know the id (BILL: BDC_1205; Visma: 404)."""


class PoisonRecord(Permanent):
    """Worker after worker ended without a word on one record: killed, out of memory, or stuck.

    ``lost`` is how many in a row. It is tried no more until a person replays it, so that it cannot take
    the fleet down by and by.
    """

    def __init__(self, lost: int) -> None:
        super().__init__(
            f"{lost} workers in a row ended without a word while they worked on it "
            "(killed, out of memory, or stuck): find the cause in their logs, then replay it"
        )


class Refused(Permanent):
    """Visma refused a document and said why; nothing of it was written.

    ``message`` is Visma's text in the company's language. ``label`` names the cause where it is one
    that ``shared.visma.quirks`` knows, else it is None. One that came as a server error is not ``sure``:
    it may have come after the effect.
    """

    def __init__(self, message: str, *, label: str | None = None, sure: bool = True) -> None:
        super().__init__(f"Visma refused it: {message}")
        self.message = message
        self.label = label
        self.sure = sure


class Ignored(ConnectorError):
    """The record is not ours to carry; the text says why. Not a failure."""


class NeedsPerson(ConnectorError):
    """A person must act; the record is held under a stable ``reason`` code until something changes."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class OutcomeUnknown(ConnectorError):
    """A write was sent and its answer is lost: it may have happened, or may still happen.

    ``system`` is who gave no answer; None where an answer came and did not tell.
    """

    def __init__(self, message: str, *, system: str | None = None) -> None:
        super().__init__(message)
        self.system = system


class CredentialsRefused(ConnectorError):
    """The login or token endpoint refused the credentials of a tenant's ``system``."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(message)
        self.system = system


class UsageError(ConnectorError):
    """A person typed or configured something wrong; the text is one line and says what to do."""


class SettingsError(UsageError):
    """A setting in the environment is missing or wrong."""
