"""Login, session and logout (BILL reference: authentication)."""

from __future__ import annotations

import secrets

from deploy.sandbox.bill.errors import Refusal
from deploy.sandbox.bill.fields import take_text
from deploy.sandbox.bill.models import Organization, Session, User
from deploy.sandbox.bill.world import BillWorld, Visit
from deploy.sandbox.wire import Call, Reply, json_reply


def log_in(world: BillWorld, call: Call) -> Reply:
    """``POST /v3/login``: the developer key stands in the body here, in a header everywhere else."""
    body = call.json_object()
    names = ("username", "password", "organizationId", "devKey")
    username, password, organization_id, dev_key = (take_text(body, name, required=True) for name in names)
    org = world.organizations.get(str(organization_id))
    status = (org.settings if org else world.defaults).login_refused_status
    key = world.dev_keys.get(str(dev_key))
    if key is None or (org is not None and org.dev_key != key.key):
        raise Refusal(status, "BDC_1102")
    if not key.active:
        raise Refusal(status, "BDC_1103")
    user = _find_user(org, str(username), str(password)) if org else None
    if org is None or user is None:
        raise Refusal(status, "BDC_1101")
    if org.locked:
        raise Refusal(423, "BDC_1107")
    session = _open_session(world, org, user, key.key, call)
    return json_reply(
        {
            "organizationId": org.id,
            "sessionId": session.id,
            "trusted": user.trusted,
            "userId": user.id,
        }
    )


def show_session(visit: Visit) -> Reply:
    """``GET /v3/login/session``."""
    return json_reply(
        {
            "organizationId": visit.org.id,
            "userId": visit.session.user.id,
            "mfaStatus": "DISABLED",
            "mfaBypass": True,
        }
    )


def log_out(visit: Visit) -> Reply:
    """``POST /v3/logout``: the session ends; 200 with an empty body."""
    visit.world.sessions.pop(visit.session.id, None)
    return Reply(200)


def show_health(world: BillWorld, call: Call) -> Reply:
    """``GET /v3/health``."""
    return json_reply({"appId": "sandbox", "appEnv": "sandbox", "appVersion": "3", "bdcRegion": "local"})


def _find_user(org: Organization, username: str, password: str) -> User | None:
    for user in org.users.values():
        if user.username == username and not user.archived:
            return user if secrets.compare_digest(user.password.encode(), password.encode()) else None
    return None


def _open_session(world: BillWorld, org: Organization, user: User, dev_key: str, call: Call) -> Session:
    idle_s = org.settings.token_idle_s if user.is_token else org.settings.session_idle_s
    session_id = "02" + secrets.token_urlsafe(24)
    session = Session(session_id, org.id, user, dev_key, idle_s, call.received_at)
    world.sessions[session_id] = session
    return session
