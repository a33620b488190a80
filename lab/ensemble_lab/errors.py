# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's refusals, in its own shapes."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal: HTTP status and JSON body (None: an empty body)."""

    def __init__(self, status: int, body: dict[str, Any] | None, headers: dict[str, str] | None = None):
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, headers or {}


def not_found(resource: str, ident: str) -> ApiError:
    return ApiError(
        404, {"type": "not_found", "message": "resource is not found", "resource": resource, "resource_id": ident}
    )


def message_only(status: int, message: str) -> ApiError:
    """The form of lb, registry and domain: nothing but a message."""
    return ApiError(status, {"message": message})


def invalid(*details: tuple[str, str, str]) -> ApiError:
    """`details`: (argument name, reason, help); reasons: required, format, constraint, unknown."""
    listed = [{"argument_name": name, "reason": reason, "help_message": text} for name, reason, text in details]
    return ApiError(400, {"type": "invalid_arguments", "message": "invalid argument(s)", "details": listed})


def required(*names: str) -> ApiError:
    return invalid(*((name, "required", "required key not provided") for name in names))


def constraint(name: str, text: str = "not a valid value") -> ApiError:
    return invalid((name, "constraint", text))


def denied(resource: str, action: str) -> ApiError:
    return ApiError(
        403,
        {
            "type": "permissions_denied",
            "message": "insufficient permissions",
            "details": [{"resource": resource, "action": action}],
        },
    )


def unauthenticated(reason: str = "not_found") -> ApiError:
    """`reason`: not_found, expired."""
    return ApiError(
        401,
        {
            "type": "denied_authentication",
            "message": "authentication is denied",
            "method": "api_key",
            "reason": reason,
        },
    )


def transient(resource: str, ident: str, state: str) -> ApiError:
    return ApiError(
        409,
        {
            "type": "transient_state",
            "message": "resource is in a transient state",
            "resource": resource,
            "resource_id": ident,
            "current_state": state,
        },
    )


def precondition(name: str, text: str) -> ApiError:
    """`name`: protected_resource, resource_still_in_use, attribute_must_be_set."""
    return ApiError(
        412,
        {
            "type": "precondition_failed",
            "message": "precondition is not respected",
            "precondition": name,
            "help_message": text,
        },
    )


def quota(resource: str, limit: int, current: int) -> ApiError:
    return ApiError(
        403,
        {
            "type": "quotas_exceeded",
            "message": "quota(s) exceeded for this resource",
            "details": [{"resource": resource, "quota": limit, "current": current}],
        },
    )


def out_of_stock(resource: str) -> ApiError:
    return ApiError(503, {"type": "out_of_stock", "message": "resource is out of stock", "resource": resource})
