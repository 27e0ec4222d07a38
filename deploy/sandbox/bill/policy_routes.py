"""Approval policies over HTTP (BILL reference: approvals)."""

from __future__ import annotations

from deploy.sandbox.bill.errors import missing, not_found
from deploy.sandbox.bill.fields import take_text
from deploy.sandbox.bill.world import Visit
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import Reply, json_reply


def list_policies(visit: Visit) -> Reply:
    """``GET /v3/bill-approvals/policies``: a bare array."""
    return json_reply([_shown(policy) for policy in visit.org.policies.values()])


def post_policy(visit: Visit) -> Reply:
    """``POST /v3/bill-approvals/policies``."""
    policy = {"id": visit.world.ids.bill("pol"), **_wanted(visit)}
    visit.org.policies[str(policy["id"])] = policy
    return json_reply(_shown(policy), 201)


def put_policy(visit: Visit) -> Reply:
    """``PUT /v3/bill-approvals/policies/{id}``."""
    policy = _get(visit)
    policy.update(_wanted(visit))
    return json_reply(_shown(policy))


def delete_policy(visit: Visit) -> Reply:
    """``DELETE /v3/bill-approvals/policies/{id}``."""
    del visit.org.policies[_get(visit)["id"]]
    return json_reply({"status": "SUCCESS"})


def _get(visit: Visit) -> Json:
    policy = visit.org.policies.get(visit.call.params["id"])
    if policy is None:
        raise not_found()
    return policy


def _wanted(visit: Visit) -> Json:
    body = visit.call.json_object()
    if not isinstance(body.get("rules"), list) or not isinstance(body.get("approvers"), list):
        raise missing("rules")
    name = take_text(body, "policyName", required=True)
    return {"policyName": name, "status": "ACTIVE", "rules": body["rules"], "approvers": body["approvers"]}


def _shown(policy: Json) -> Json:
    rules = [
        {**rule, "values": [{"value": value, "displayName": value} for value in rule.get("values", [])]}
        for rule in policy["rules"]
    ]
    return {**policy, "rules": rules, "approvers": {"users": policy["approvers"], "groups": []}}
