"""Dimensions: the segments of the subaccount and their values (Visma reference: dimensions)."""

from __future__ import annotations

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.company import Company, touch
from deploy.sandbox.visma.errors import BusinessError, Denied, ModelError, business_reply
from deploy.sandbox.visma.keys import decoded_key
from deploy.sandbox.visma.models import Segment, SegmentValue
from deploy.sandbox.visma.shapes import flag, read_fields, text
from deploy.sandbox.visma.versions import etag, matches
from deploy.sandbox.visma.world import Visit
from deploy.sandbox.wire import Reply, json_reply

_DIMENSIONS = (
    *("ACCGROUP", "ACCOUNT", "BIZACCT", "CASHACCOUNT", "CONTRACT", "CUSTOMER", "EMPLOYEE", "INLOCATION"),
    *("INSITE", "INVENTORY", "LOCATION", "PROJECT", "PROTASK", "SALESPER", "SUBACCOUNT", "SUPPLIER"),
)
_VALUE = {"description": text, "active": flag}


def list_dimensions(visit: Visit) -> Reply:
    """``GET /v1/dimension``: ids only."""
    return json_reply(list(_DIMENSIONS))


def fetch_dimension(visit: Visit) -> Reply:
    """``GET /v1/dimension/{id}``; only SUBACCOUNT has segments here."""
    dimension = visit.call.params["dimension"]
    if dimension not in _DIMENSIONS:
        raise Denied(Reply(404))
    segments = list(visit.company.segments.values()) if dimension == "SUBACCOUNT" else []
    valued = visit.call.query.get("expandSegmentsValues", "true").lower() == "true"
    body = {
        "id": dimension,
        "length": sum(segment.length for segment in segments),
        "description": dimension.title(),
        "segments": [segment_json(visit.company, segment, valued) for segment in segments],
    }
    return json_reply(body)


def fetch_segment(visit: Visit) -> Reply:
    """``GET /v1/dimension/{id}/{segmentId}``."""
    segment = _get(visit)
    return json_reply(segment_json(visit.company, segment, True), headers={"ETag": etag(segment.version)})


def fetch_segment_value(visit: Visit) -> Reply:
    """``GET /v1/dimension/{id}/{segmentId}/{valueId}``, the value base64 encoded."""
    segment = _get(visit)
    value = segment.values.get(decoded_key(visit.call.params["value"]))
    if value is None:
        raise Denied(Reply(404))
    return json_reply(_value_json(visit.company, segment, value))


def put_segment(visit: Visit) -> Reply:
    """``PUT /v1/dimension/{id}/{segmentId}``: 204, 412, and 500 for what the ERP refuses."""
    segment, body = _get(visit), visit.call.json_object()
    if not matches(visit.call.headers.get("If-Match"), segment.version):
        raise Denied(Reply(412))
    try:
        for item in body.get("segmentValues") or []:
            _apply(visit.company, segment, item)
    except BusinessError as error:
        return business_reply(error.message, "Error updating segment.", 500)
    renamed = read_fields(body, {"description": text}).get("description")
    segment.description = renamed or segment.description
    touch(visit.company, segment)
    return Reply(204, headers={"ETag": etag(segment.version)})


def set_value(company: Company, segment: Segment, value: str, description: str, active: bool) -> None:
    """Add a value, or change it."""
    if len(value) != segment.length and segment.validate:
        raise BusinessError(f"The length of value '{value}' must be {segment.length}.")
    row = segment.values.setdefault(value, SegmentValue(value, description))
    row.description, row.active = description, active
    touch(company, row)
    touch(company, segment)


def segment_json(company: Company, segment: Segment, valued: bool) -> Json:
    """One segment, with its values unless told otherwise."""
    values = [_value_json(company, segment, value) for value in segment.values.values()] if valued else []
    return {
        "internalId": f"5a2d1c0e-0000-0000-0000-{segment.id:012d}",
        "segmentId": segment.id,
        "description": segment.description,
        "length": segment.length,
        "publicId": f"5a2d1c0e-0000-0000-0001-{segment.id:012d}",
        "timeStamp": segment.version,
        "lastModified": company.local(segment.modified_at) if segment.modified_at else None,
        "validate": segment.validate,
        "segmentValues": values,
        "isAutoNumber": False,
        "consolNumChar": 0,
        "consolOrder": 0,
    }


def _value_json(company: Company, segment: Segment, value: SegmentValue) -> Json:
    return {
        "internalId": None,
        "segmentId": segment.id,
        "valueId": value.value,
        "description": value.description,
        "publicId": None,
        "active": value.active,
        "timeStamp": value.version,
        "lastModified": company.local(value.modified_at) if value.modified_at else None,
        "mappedSegValue": None,
    }


def _get(visit: Visit) -> Segment:
    key = visit.call.params["segment"]
    segment = visit.company.segments.get(int(key)) if key.isdigit() else None
    if segment is None or visit.call.params["dimension"] != "SUBACCOUNT":
        raise Denied(Reply(404))
    return segment


def _apply(company: Company, segment: Segment, item: object) -> None:
    if not isinstance(item, dict):
        raise ModelError("segmentValues", "an object is expected")
    operation, value = item.get("operation"), str(item.get("value") or "")
    known, wanted = segment.values.get(value), read_fields(item, _VALUE, "segmentValues.")
    if operation == "Insert" and known is not None:
        raise BusinessError(f"Value '{value}' already exists.")
    if operation in ("Update", "Delete") and known is None:
        raise BusinessError(f"Value '{value}' cannot be found in the system.")
    if operation == "Delete":
        del segment.values[value]
    elif operation in ("Insert", "Update"):
        description = wanted.get("description", known.description if known else value)
        set_value(company, segment, value, description, wanted.get("active", known.active if known else True))
    else:
        raise ModelError("segmentValues.operation", f"'{operation}' is not a valid operation")
