"""One call to BILL: a place, the session's headers, at most one new log-in, the error tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from shared import jsontext
from shared.bill.answers import SYSTEM, SessionExpired, Throttled, error_of, is_fault
from shared.bill.session import BillCredentials, BillSessions
from shared.budget import Budget
from shared.doubts import Doubts
from shared.errors import OutcomeUnknown, Retryable
from shared.http import Answer, HttpSession, Params, file_s
from shared.http_guard import Deadline
from shared.limits import LEASE_S, Places
from shared.tenants import BillConfig, LimitsConfig

PLACE_WAIT_S = 5.0
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class BillCalls:
    """Calls of one tenant to BILL; every one ends within the HTTP session's deadline, log-in included.

    Each request, a log-in too, holds one of ``bill_concurrency`` places at the organization and counts
    against the hour's calls of the developer key. Where BILL says that the hour is spent, everyone with
    that key waits.
    """

    def __init__(
        self,
        tenant: str,
        config: BillConfig,
        http: HttpSession,
        sessions: BillSessions,
        credentials: Callable[[], BillCredentials],
        *,
        doubts: Doubts,
        limits: LimitsConfig | None = None,
        places: Places | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.tenant = tenant
        self.config = config
        self._http = http
        self._sessions = sessions
        self._credentials = credentials
        self._doubts = doubts
        self._limits = limits or LimitsConfig()
        self._places = places
        self._budget = budget

    def call(
        self,
        method: str,
        url: str,
        *,
        route: str,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A successful answer, or an error of the tree. An expired session is replaced once."""
        return self._call(_Request(method, url, route, params, body, headers or {}))

    def fetch_file(self, route: str, url: str, into: IO[bytes], *, with_session: bool) -> Answer:
        """GET a file into ``into``, which is emptied first; an answer that redirects is returned as well.

        The session and developer key are shown ``with_session`` only: a link may lead to another owner.
        """
        return self._call(_Request("GET", url, route, None, None, {}, into, with_session))

    def fetch_json(self, route: str, url: str, params: Params | None = None) -> Any:
        """The parsed body of a GET."""
        answer = self.call("GET", url, route=route, params=params)
        try:
            return answer.json()
        except ValueError:
            raise Retryable(f"BILL's answer to {route} is not JSON") from None

    def _call(self, request: _Request) -> Answer:
        deadline = self._http.new_deadline()
        return self._doubts.call(
            self.tenant, SYSTEM, SessionExpired, lambda: self._call_once(request, deadline)
        )

    def _call_once(self, request: _Request, deadline: Deadline) -> Answer:
        credentials = self._credentials()
        # The log-in runs in the call's place: it is one of the requests that BILL counts.
        with self._place(credentials, deadline, lease_s=request.lease_s):
            session_id = self._sessions.get(
                self.tenant,
                self.config,
                credentials,
                self._http,
                deadline,
                before_login=lambda: self._spend(credentials),
            )
            headers = {"sessionId": session_id, "devKey": credentials.dev_key}
            answer = request.send(self._http, headers, deadline)
        if request.is_answered_by(answer):
            return answer
        error = error_of(answer, request.route, write=request.write)
        if isinstance(error, SessionExpired):
            self._sessions.drop(self.tenant, self.config, credentials, session_id)
        elif isinstance(error, Throttled) and self._budget is not None:
            self._budget.block(budget_key(credentials), error.retry_after_s or 0.0)
        raise error

    @contextmanager
    def _place(
        self, credentials: BillCredentials, deadline: Deadline, *, lease_s: float = LEASE_S
    ) -> Iterator[None]:
        if self._places is None:
            self._spend(credentials)
            yield
            return
        wait_s = min(PLACE_WAIT_S, deadline.remaining_s())
        key = f"bill:{self.config.organization_id}"
        with self._places.hold(key, self._limits.bill_concurrency, lease_s=lease_s, wait_s=wait_s):
            self._spend(credentials)  # only once there is a place: who finds none has called nobody
            yield

    def _spend(self, credentials: BillCredentials) -> None:
        if self._budget is not None:
            self._budget.spend(budget_key(credentials), self._limits.bill_calls_per_hour)


def budget_key(credentials: BillCredentials) -> str:
    """The key of the hour's calls: one for all tenants with the same developer key."""
    return f"bill:{credentials.dev_key_digest}"


class _Request:
    """What to send, the same for both tries."""

    def __init__(
        self,
        method: str,
        url: str,
        route: str,
        params: Params | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        into: IO[bytes] | None = None,
        with_session: bool = True,
    ) -> None:
        self.method, self.url, self.route, self.params = method, url, route, params
        self._into, self._with_session = into, with_session
        self.write = method != "GET"
        self.content = None if body is None else jsontext.dumps(body).encode()
        self.headers = dict(headers)
        if body is not None:
            self.headers["Content-Type"] = "application/json"

    @property
    def lease_s(self) -> float:
        """How long a place is needed at most."""
        return LEASE_S if self._into is None else LEASE_S + file_s()

    def send(self, http: HttpSession, session: Mapping[str, str], deadline: Deadline) -> Answer:
        """Send it once, with the headers of a session."""
        headers = {**self.headers, **(session if self._with_session else {})}
        if self._into is None:
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
        self._into.seek(0)
        self._into.truncate()
        return http.download(self.url, route=self.route, into=self._into, headers=headers, deadline=deadline)

    def is_answered_by(self, answer: Answer) -> bool:
        """Whether the answer is what was asked for."""
        if self._into is not None and answer.status in REDIRECTS:
            return True
        return answer.ok and not is_fault(answer)


def expect_object(content: object, route: str, *, write: bool = False) -> Mapping[str, Any]:
    """The body as a JSON object; anything else is an answer that was spoilt on its way."""
    if isinstance(content, dict):
        return content
    text = f"BILL's answer to {route} is not a JSON object"
    raise OutcomeUnknown(text) if write else Retryable(text)
