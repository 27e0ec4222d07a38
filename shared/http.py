"""One HTTP session per upstream system and process: pooled, bounded in time and size, quiet.

What goes wrong on the way is told apart by what it means for a write:

- nothing was sent (refused, no such host, no connection in time, bad certificate): ``Retryable``;
- it was sent and no whole answer came back: ``OutcomeUnknown`` for a write, ``Retryable`` for a read.

An answer of any status is returned; what it means is for the system's own translator.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from shared import jsontext
from shared.clock import utc_now
from shared.errors import ConnectorError, OutcomeUnknown, Retryable
from shared.http_guard import CallGuard, Deadline, GuardedAdapter

DEADLINE_S = 25.0
"""For the whole of a call; places, claims and task limits nest around it."""

CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

Observer = Callable[[str, str, str, float], None]
"""Told of every request: system, route template, status (or ``unsent`` or ``lost``), seconds."""

Params = Mapping[str, str] | list[tuple[str, str]]


def _unobserved(system: str, route: str, status: str, seconds: float) -> None:
    """The observer of those who do not measure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: headers by any case, the body whole. Neither has a repr: both may hold secrets."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body parsed, numbers as Decimal; ValueError when it is not JSON."""
        try:
            return jsontext.loads(self.body)
        except ArithmeticError:  # a number no Decimal can hold
            raise ValueError("a number beyond all measure") from None

    def find_json(self) -> Any | None:
        """The body parsed, or None when it is not JSON."""
        try:
            return self.json()
        except ValueError:
            return None

    def retry_after_s(self) -> float | None:
        """The wait that ``Retry-After`` tells, in seconds or as a date; None where it tells none."""
        told = self.headers.get("Retry-After", "").strip()
        if told.isascii() and told.isdigit():
            return float(told[:9])
        try:
            return max(0.0, (parsedate_to_datetime(told) - utc_now()).total_seconds())
        except (ValueError, TypeError):
            return None


class HttpSession:
    """Connections to one ``system`` of one tenant; make it after a fork, it may be shared by threads.

    It follows no redirect, keeps no cookie and reads no proxy or password from the environment.
    """

    def __init__(
        self,
        system: str,
        *,
        observer: Observer = _unobserved,
        pool_size: int = 10,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.system = system
        self.deadline_s = deadline_s
        self._observer = observer
        self._connect_timeout_s = connect_timeout_s
        self._max_bytes = max_bytes
        self._session = _make_session(pool_size)

    def new_deadline(self) -> Deadline:
        """The deadline of a call that begins now; share it between the requests the call consists of."""
        return Deadline(self.deadline_s)

    def send(
        self,
        method: str,
        url: str,
        *,
        route: str,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        body: bytes | None = None,
        write: bool = False,
        deadline: Deadline | None = None,
    ) -> Answer:
        """One request and its whole answer; ``route`` is the path's template, for metrics and errors.

        Raises ``Retryable`` or, for a ``write`` that was sent, ``OutcomeUnknown`` when no whole answer
        came back before the deadline.
        """
        request = requests.Request(method, url, headers=dict(headers or {}), params=params, data=body)
        started = time.monotonic()
        with CallGuard(deadline or self.new_deadline()) as guard:
            status = "lost"
            try:
                answer = self._exchange(request, guard)
                status = str(answer.status)
                return answer
            except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
                status = "lost" if guard.sent else "unsent"
                # No chaining: urllib3 quotes parts of the answer in its texts.
                raise self._failure(error, guard, method, route, write=write) from None
            finally:
                self._observer(self.system, route, status, time.monotonic() - started)

    def close(self) -> None:
        """Close every pooled connection."""
        self._session.close()

    def _exchange(self, request: requests.Request, guard: CallGuard) -> Answer:
        left_s = guard.deadline.remaining_s()
        if left_s == 0.0:
            raise TimeoutError("no time left")
        with self._session.send(
            self._session.prepare_request(request),
            stream=True,
            timeout=(min(self._connect_timeout_s, left_s), left_s),
            allow_redirects=False,
        ) as response:
            headers = CaseInsensitiveDict(response.headers)
            return Answer(response.status_code, headers, b"".join(self._read(response, guard)))

    def _read(self, response: requests.Response, guard: CallGuard) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_content(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._max_bytes:
                raise _TooLarge(f"more than {self._max_bytes} bytes")
            yield chunk
        # A socket shut by the watchdog ends a body of unknown length as if it were whole.
        if guard.expired:
            raise TimeoutError("the body was cut at the deadline")

    def _failure(
        self, error: Exception, guard: CallGuard, method: str, route: str, *, write: bool
    ) -> ConnectorError:
        where = f"{self.system} {method} {route}"
        if not guard.sent:
            return Retryable(f"{where}: no connection ({_reason(error, guard)}); nothing was sent")
        text = f"{where}: no whole answer came back ({_reason(error, guard)})"
        return OutcomeUnknown(text) if write else Retryable(text)


class _TooLarge(OSError):
    """The answer is larger than we read."""


def _reason(error: Exception, guard: CallGuard) -> str:
    if guard.expired or guard.deadline.remaining_s() == 0.0:
        return "deadline"
    return str(error) if isinstance(error, _TooLarge) else type(error).__name__


def _make_session(pool_size: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = f"bill-visma-connector/{_version()}"
    session.headers["Accept"] = "application/json"
    for scheme in ("https://", "http://"):
        session.mount(scheme, GuardedAdapter(pool_size))
    return session


def _version() -> str:
    try:
        return version("bill-visma-connector")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unreleased"
