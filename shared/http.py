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
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from shared import jsontext
from shared.clock import utc_now
from shared.errors import ConnectorError, OutcomeUnknown, Permanent, Unavailable
from shared.http_guard import CallGuard, Deadline, GuardedAdapter
from shared.multipart import FilePart

DEADLINE_S = 25.0
"""For the whole of a call; places, claims and task limits nest around it."""

CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

MAX_FILE_BYTES = 50 * 1024 * 1024
"""The largest file that is carried; BILL takes 6 MB (BILL reference: documents)."""

FILE_BYTES_PER_S = 1024 * 1024
"""A file may take a second longer for every so many bytes."""

Observer = Callable[[str, str, str, float], None]
"""Told of every request: system, route template, status (or ``unsent`` or ``lost``), seconds."""

Params = Mapping[str, str] | list[tuple[str, str]]


class FileTooLarge(Permanent):
    """The file is larger than we carry."""


def file_s(size: int = MAX_FILE_BYTES) -> float:
    """Seconds that a file of ``size`` bytes may take beyond an ordinary call's."""
    return size / FILE_BYTES_PER_S


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

    @property
    def date(self) -> datetime | None:
        """The server's clock as ``Date`` tells it, to the second; None where it does not."""
        try:
            told = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        return told if told.tzinfo else None

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
        body: bytes | FilePart | None = None,
        write: bool = False,
        deadline: Deadline | None = None,
    ) -> Answer:
        """One request and its whole answer; ``route`` is the path's template, for metrics and errors.

        Raises ``Retryable`` or, for a ``write`` that was sent, ``OutcomeUnknown`` when no whole answer
        came back before the deadline.
        """
        request = requests.Request(method, url, headers=dict(headers or {}), params=params, data=body)
        return self._run(request, route, deadline, self._read_whole, write=write)

    def download(
        self,
        url: str,
        *,
        route: str,
        into: IO[bytes],
        headers: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Answer:
        """GET a file into ``into``, piece by piece; the answer's own body is then empty.

        The deadline grows with the file's size. The body of an answer other than 2xx comes as always.
        Raises ``FileTooLarge`` beyond ``MAX_FILE_BYTES``, else as :meth:`send`.
        """

        def store(response: requests.Response, guard: CallGuard) -> bytes:
            if not response.ok or response.is_redirect:
                return self._read_whole(response, guard)
            guard.lengthen(file_s(_announced_size(response)))
            for chunk in self._read(response, guard, MAX_FILE_BYTES, _too_large_file):
                into.write(chunk)
            return b""

        request = requests.Request("GET", url, headers={"Accept": "*/*", **(headers or {})})
        return self._run(request, route, deadline, store)

    def _run(
        self,
        request: requests.Request,
        route: str,
        deadline: Deadline | None,
        read: Callable[[requests.Response, CallGuard], bytes],
        *,
        write: bool = False,
    ) -> Answer:
        started = time.monotonic()
        with CallGuard(deadline or self.new_deadline()) as guard:
            status = "lost"
            try:
                answer = self._exchange(request, guard, read)
                status = str(answer.status)
                return answer
            except FileTooLarge:
                status = "200"  # an answer, though not one we keep
                raise
            except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
                status = "lost" if guard.sent else "unsent"
                # No chaining: urllib3 quotes parts of the answer in its texts.
                raise self._failure(error, guard, request, route, write=write) from None
            finally:
                self._observer(self.system, route, status, time.monotonic() - started)

    def close(self) -> None:
        """Close every pooled connection."""
        self._session.close()

    def _exchange(
        self,
        request: requests.Request,
        guard: CallGuard,
        read: Callable[[requests.Response, CallGuard], bytes],
    ) -> Answer:
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
            return Answer(response.status_code, headers, read(response, guard))

    def _read_whole(self, response: requests.Response, guard: CallGuard) -> bytes:
        return b"".join(self._read(response, guard, self._max_bytes, _TooLarge))

    def _read(
        self,
        response: requests.Response,
        guard: CallGuard,
        max_bytes: int,
        too_large: Callable[[str], Exception],
    ) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_content(_CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise too_large(f"more than {max_bytes} bytes")
            yield chunk
        # A socket shut by the watchdog ends a body of unknown length as if it were whole.
        if guard.expired:
            raise TimeoutError("the body was cut at the deadline")

    def _failure(
        self, error: Exception, guard: CallGuard, request: requests.Request, route: str, *, write: bool
    ) -> ConnectorError:
        where = f"{self.system} {request.method} {route}"
        if not guard.sent:
            to = f"no connection to {_host(request)} ({_reason(error, guard)})"
            return Unavailable(self.system, f"{where}: {to}; nothing was sent")
        text = f"{where}: no whole answer came back ({_reason(error, guard)})"
        return OutcomeUnknown(text, system=self.system) if write else Unavailable(self.system, text)


_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (NameResolutionError, "its host name is not known"),
    (requests.exceptions.SSLError, "its certificate is not accepted"),
    (requests.exceptions.ConnectTimeout, "it does not answer"),
    (NewConnectionError, "connection refused"),
)
"""What people can make something of; the texts of the errors themselves may quote an answer."""


class _TooLarge(OSError):
    """The answer is larger than we read."""


def _too_large_file(_: str) -> FileTooLarge:
    return FileTooLarge(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB, the most that is carried")


def _announced_size(response: requests.Response) -> int:
    """What ``Content-Length`` says, or the most we take. Raises FileTooLarge before a byte is read."""
    told = response.headers.get("Content-Length", "")
    size = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else MAX_FILE_BYTES
    if size > MAX_FILE_BYTES:
        raise _too_large_file(told)
    return size


def _host(request: requests.Request) -> str:
    """Host and port of a request, without what else an address may hold."""
    return urlsplit(str(request.url)).netloc.rpartition("@")[2] or "nowhere"


def _reason(error: Exception, guard: CallGuard) -> str:
    if guard.expired or guard.deadline.remaining_s() == 0.0:
        return "deadline"
    if isinstance(error, _TooLarge):
        return str(error)
    cause = getattr(error.args[0], "reason", error) if error.args else error
    for kind, words in _CAUSES:
        if isinstance(error, kind) or isinstance(cause, kind):
            return words
    return type(error).__name__


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
