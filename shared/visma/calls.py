"""One call to Visma.net: the token's headers, at most one new token, pacing, the error tree."""

from __future__ import annotations

import base64
import binascii
import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final, Self
from urllib.parse import quote, unquote, urlsplit

from shared import jsontext
from shared.budget import Budget
from shared.doubts import Doubts
from shared.errors import OutcomeUnknown, Retryable
from shared.http import Answer, HttpSession, file_s
from shared.http_guard import Deadline
from shared.multipart import FilePart
from shared.tenants import LimitsConfig, VismaConfig
from shared.visma.answers import SYSTEM, TokenExpired, error_of, told_number, told_wait_s
from shared.visma.models import Written
from shared.visma.schemas import strip_etag
from shared.visma.token import VismaCredentials, VismaTokens
from shared.visma.window import WriteWindow

_SAFE_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*", re.ASCII)
_B64_KEY: Final = re.compile(r"b64\(([A-Za-z0-9_-]*)=*\)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    route: str
    params: Mapping[str, str] | None
    content: bytes | FilePart | None
    etag: str | None
    into: IO[bytes] | None = None

    @property
    def write(self) -> bool:
        return self.method != "GET"

    def headers(self, token: str, company_id: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {token}", "ipp-company-id": company_id}
        if isinstance(self.content, FilePart):
            headers["Content-Type"] = self.content.content_type
        elif self.content is not None:
            headers["Content-Type"] = "application/json"
        if self.etag is not None:
            headers["If-Match"] = f'"{self.etag}"'
        return headers

    def send(self, http: HttpSession, headers: Mapping[str, str], deadline: Deadline) -> Answer:
        """Send it once; a file goes from its beginning, and into an empty one."""
        if self.into is not None:
            self.into.seek(0)
            self.into.truncate()
            return http.download(
                self.url, route=self.route, into=self.into, headers=headers, deadline=deadline
            )
        if isinstance(self.content, FilePart):
            self.content.rewind()
        return http.send(
            self.method,
            self.url,
            route=self.route,
            headers=headers,
            params=self.params,
            body=self.content,
            write=self.write,
            deadline=deadline,
        )


class VismaCalls:
    """Calls of one tenant to its company; every one ends within the HTTP session's deadline.

    Each request counts against the hour's calls of the company, and what Visma tells in
    ``X-RateLimit-*`` holds back every worker's next one.
    """

    def __init__(
        self,
        tenant: str,
        config: VismaConfig,
        http: HttpSession,
        tokens: VismaTokens,
        credentials: Callable[[], VismaCredentials],
        *,
        doubts: Doubts,
        limits: LimitsConfig | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.tenant = tenant
        self.config = config
        self._http = http
        self._tokens = tokens
        self._credentials = credentials
        self._doubts = doubts
        self._limits = limits or LimitsConfig()
        self._budget = budget
        self._budget_key = budget_key(config)
        self._window: WriteWindow | None = None

    def within(self, window: WriteWindow) -> Self:
        """The same client, whose writes are sent only while ``window`` is open."""
        twin = copy.copy(self)
        twin._window = window
        return twin

    def call(
        self,
        method: str,
        route: str,
        *keys: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        etag: str | None = None,
    ) -> Answer:
        """A successful answer, or an error of the tree. ``keys`` fill the route's braces in order.

        An expired token is replaced once. ``etag`` goes into ``If-Match``.
        """
        content = None if body is None else jsontext.dumps(body).encode()
        return self._call(_Request(method, self._url(route, keys), route, params, content, etag))

    def renew_token(self) -> None:
        """Fetch a token whatever token there is; calls from now on use the new one."""
        deadline = self._http.new_deadline()
        self._tokens.renew(self.tenant, self.config, self._credentials(), self._http, deadline)

    def upload(self, route: str, *keys: str, file: FilePart, etag: str | None) -> Answer:
        """POST a file; it may take the longer the larger it is."""
        request = _Request("POST", self._url(route, keys), route, None, file, etag)
        return self._call(request, extra_s=file_s(len(file)))

    def download(self, route: str, *keys: str, into: IO[bytes]) -> Answer:
        """GET a file into ``into``, which is emptied first."""
        return self._call(_Request("GET", self._url(route, keys), route, None, None, None, into))

    def fetch(
        self, route: str, *keys: str, params: Mapping[str, str] | None = None
    ) -> tuple[Any, str | None]:
        """The parsed body of a GET and its ETag."""
        answer = self.call("GET", route, *keys, params=params)
        try:
            return answer.json(), strip_etag(answer.headers.get("ETag"))
        except ValueError:
            raise Retryable(f"Visma's answer to {route} is not JSON") from None

    def create(self, route: str, body: Mapping[str, Any]) -> Written:
        """POST a new record; its number stands in ``Location`` only, so without one it is unknown."""
        answer = self.call("POST", route, body=body)
        number = number_from_location(answer.headers.get("Location"))
        if number is None:
            raise OutcomeUnknown(f"Visma's answer {answer.status} to {route} does not tell the new number")
        return Written(number, strip_etag(answer.headers.get("ETag")))

    def update(self, route: str, *keys: str, body: Mapping[str, Any], etag: str | None) -> Written:
        """PUT changed fields; ``PreconditionFailed`` when the record is not as ``etag`` says any more."""
        answer = self.call("PUT", route, *keys, body=body, etag=etag)
        return Written(None, strip_etag(answer.headers.get("ETag")))

    def _url(self, route: str, keys: tuple[str, ...]) -> str:
        path = re.sub(r"\{\w+\}", "{}", route).format(*(quote_key(key) for key in keys))
        return self.config.base_url + path

    def _call(self, request: _Request, *, extra_s: float = 0.0) -> Answer:
        deadline = self._new_deadline(request)
        deadline.extend(extra_s)
        return self._doubts.call(
            self.tenant, SYSTEM, TokenExpired, lambda: self._call_once(request, deadline)
        )

    def _new_deadline(self, request: _Request) -> Deadline:
        if request.write and self._window is not None:
            return self._window.new_deadline(self._http.deadline_s)
        return self._http.new_deadline()

    def _call_once(self, request: _Request, deadline: Deadline) -> Answer:
        credentials = self._credentials()
        token = self._tokens.get(self.tenant, self.config, credentials, self._http, deadline)
        if self._budget is not None:
            self._budget.spend(self._budget_key, self._limits.visma_calls_per_hour)
        answer = request.send(self._http, request.headers(token, self.config.company_id), deadline)
        self._note_rate_limit(answer)
        if answer.ok:
            return answer
        error = error_of(answer, request.route, write=request.write)
        if isinstance(error, TokenExpired):
            self._tokens.drop(self.tenant, self.config, credentials, token)
        raise error

    def _note_rate_limit(self, answer: Answer) -> None:
        if self._budget is None:
            return
        if answer.status == 429:
            self._budget.block(self._budget_key, told_wait_s(answer))
            return
        remaining = told_number(answer, "X-RateLimit-Remaining")
        reset_s = told_number(answer, "X-RateLimit-Reset")
        self._budget.note_remaining(self._budget_key, remaining=remaining, reset_s=reset_s)


def budget_key(config: VismaConfig) -> str:
    """The key of the hour's calls at the tenant's company."""
    return f"visma:{config.company_id}"


def quote_key(key: str) -> str:
    """A key as it stands in a path: as it is, or ``b64(...)`` where a path could not carry it."""
    if _SAFE_KEY.fullmatch(key):
        return key
    encoded = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    return f"b64({quote(encoded, safe='')})"


def number_from_location(location: str | None) -> str | None:
    """The last part of a ``Location``'s path, whatever its host (Visma docs: change of base URL)."""
    if not location:
        return None
    last = unquote(urlsplit(location).path.rstrip("/").rpartition("/")[2])
    encoded = _B64_KEY.fullmatch(last)
    if encoded is None:
        return last or None
    text = encoded.group(1)
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() or None
    except (binascii.Error, UnicodeDecodeError):
        return None
