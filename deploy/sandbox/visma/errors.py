"""Visma's error bodies (Visma reference: errors)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from deploy.sandbox.wire import Reply, json_reply


class BusinessError(Exception):
    """The ERP refuses: bad data, wrong status, a closed period. ``message`` has no prefix."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ModelError(Exception):
    """A value that cannot be read as its field's type; ``field`` is its path in the body."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(slots=True)
class Denied(Exception):
    """A refusal before the ERP is reached: token, scope, company, limit, version, route."""

    reply: Reply

    def __str__(self) -> str:
        return f"denied with status {self.reply.status}"


def not_in_system(field: str, value: object) -> BusinessError:
    """The platform's message for a failed look-up (Visma reference: known errors)."""
    return BusinessError(f"{field} '{value}' cannot be found in the system.")


def business_reply(message: str, action: str, status: int) -> Reply:
    """``{"message": "VismaId: <guid>. <action> Error: <message>"}``; there is no error code."""
    return json_reply({"message": f"VismaId: {uuid.uuid4()}. {action} Error: {message}"}, status)


def model_reply(field: str, message: str) -> Reply:
    """400 of the model binder."""
    return json_reply({"message": "The request is invalid.", "modelState": {field: [message]}}, 400)


def legacy_reply(code: str, message: str, status: int = 400) -> Reply:
    """The old gateway's body, with 12002 or 12027 for the company header."""
    return json_reply(
        {
            "ExceptionType": "IPPException",
            "ExceptionMessage": message,
            "ExceptionFaultCode": code,
            "ExceptionMessageID": f"{code}_{uuid.uuid4()}",
            "ExceptionDetails": "",
        },
        status,
    )


def shaped_reply(status: int, shape: str, message: str | None) -> Reply:
    """The answer of a ``status`` fault; without a message and shape the body is empty."""
    text = message if message is not None else "An error has occurred."
    if shape == "business":
        return business_reply(text, "Error creating document.", status)
    if shape == "message":
        return json_reply({"message": text}, status)
    if shape == "model":
        return json_reply({"message": "The request is invalid.", "modelState": {"": [text]}}, status)
    if shape == "legacy":
        return legacy_reply("12002", text, status)
    if shape == "html":
        page = f"<html><head><title>{status}</title></head><body><h1>{text}</h1></body></html>"
        return Reply(status, page, content_type="text/html")
    if shape == "text":
        return Reply(status, text, content_type="text/plain")
    return Reply(status)
