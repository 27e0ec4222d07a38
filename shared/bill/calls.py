"""One call to BILL: a place, the session's headers, at most one new log-in, the error tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shared import jsontext
from shared.bill.answers import SessionExpired, error_of, is_fault
from shared.bill.session import BillCredentials, BillSessions
from shared.errors import OutcomeUnknown, Retryable
from shared.http import Answer, HttpSession, Params
from shared.http_guard import Deadline
from shared.limits import Budget, Places
from shared.tenants import BillConfig, LimitsConfig

PLACE_WAIT_S = 5.0


class BillCalls:
    """Calls of one tenant to BILL; every one ends within the HTTP session's deadline, log-in included.

    Each request holds one of ``bill_concurrency`` places at the organization and counts against the
    hour's calls of the developer key.
    """

    def __init__(
        self,
        tenant: str,
        config: BillConfig,
        http: HttpSession,
        sessions: BillSessions,
        credentials: Callable[[], BillCredentials],
        *,
        limits: LimitsConfig | None = None,
        places: Places | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.tenant = tenant
        self.config = config
        self._http = http
        self._sessions = sessions
        self._credentials = credentials
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
        deadline = self._http.new_deadline()
        request = _Request(method, url, route, params, body, headers or {})
        try:
            return self._call_once(request, deadline)
        except SessionExpired:
            return self._call_once(request, deadline)

    def fetch_json(self, route: str, url: str, params: Params | None = None) -> Any:
        """The parsed body of a GET."""
        answer = self.call("GET", url, route=route, params=params)
        try:
            return answer.json()
        except ValueError:
            raise Retryable(f"BILL's answer to {route} is not JSON") from None

    def _call_once(self, request: _Request, deadline: Deadline) -> Answer:
        credentials = self._credentials()
        # The log-in runs in the call's place: it is one of the requests that BILL counts.
        with self._place(credentials, deadline):
            session_id = self._sessions.get(self.tenant, self.config, credentials, self._http, deadline)
            headers = request.headers | {"sessionId": session_id, "devKey": credentials.dev_key}
            answer = self._http.send(
                request.method,
                request.url,
                route=request.route,
                headers=headers,
                params=request.params,
                body=request.content,
                write=request.write,
                deadline=deadline,
            )
        if answer.ok and not is_fault(answer):
            return answer
        error = error_of(answer, request.route, write=request.write)
        if isinstance(error, SessionExpired):
            self._sessions.drop(self.tenant, self.config, credentials, session_id)
        raise error

    @contextmanager
    def _place(self, credentials: BillCredentials, deadline: Deadline) -> Iterator[None]:
        if self._budget is not None:
            self._budget.spend(f"bill:{credentials.dev_key_digest}", self._limits.bill_calls_per_hour)
        if self._places is None:
            yield
            return
        wait_s = min(PLACE_WAIT_S, deadline.remaining_s())
        key = f"bill:{self.config.organization_id}"
        with self._places.hold(key, self._limits.bill_concurrency, wait_s=wait_s):
            yield


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
    ) -> None:
        self.method, self.url, self.route, self.params = method, url, route, params
        self.write = method != "GET"
        self.content = None if body is None else jsontext.dumps(body).encode()
        self.headers = dict(headers)
        if body is not None:
            self.headers["Content-Type"] = "application/json"


def expect_object(content: object, route: str, *, write: bool = False) -> Mapping[str, Any]:
    """The body as a JSON object; anything else is an answer that was spoilt on its way."""
    if isinstance(content, dict):
        return content
    text = f"BILL's answer to {route} is not a JSON object"
    raise OutcomeUnknown(text) if write else Retryable(text)
