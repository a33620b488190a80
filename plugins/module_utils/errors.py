# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors, each as one sentence for the user: the request, the API's answer, and what to do."""

from __future__ import annotations

from typing import Any

UNKNOWN_KEY = "The API does not know this secret key: check secret_key, SCW_SECRET_KEY or the profile in use."
HINTS = {
    401: UNKNOWN_KEY,
    "denied_authentication": UNKNOWN_KEY,
    "permissions_denied": "The API key's application or user lacks an IAM policy for this in the project.",
    "quotas_exceeded": "Ask for a higher quota in the Scaleway console, or remove what is not needed.",
    "out_of_stock": "Scaleway is out of stock in this zone: try another commercial_type or zone, or run again later.",
}


ASSUMED = "Check mode assumes that an earlier task will have changed this."
"""Ends a warning about something that an earlier task would have corrected."""
IN_USE = (400, 409, 412)
"""Answers of an API that refuses to delete an object in use."""


class ScalewayError(Exception):
    """Something that cannot be done; its text is the whole message for the user."""

    def details(self) -> dict[str, Any]:
        """Machine-readable facts about the failure, returned by modules as C(error)."""
        return {"kind": type(self).__name__}


class Invalid(ScalewayError):
    """The arguments are wrong; nothing was sent that changes anything."""


class Overtaken(Invalid):
    """Another run has changed the object since it was read: read it again."""


class Unreachable(ScalewayError):
    """No answer came, and the request certainly had no effect."""


class LostAnswer(ScalewayError):
    """No usable answer came (reset, time-out, 5xx): whether the request took effect is unknown."""


class WaitTimeout(ScalewayError):
    """A state was not reached in time."""


class ApiError(ScalewayError):
    """The API refused: `status` is the HTTP status, `body` its parsed JSON ({} where there is none)."""

    def __init__(self, request: str, status: int, body: dict[str, Any]) -> None:
        self.request = request
        self.status = status
        self.body = body
        self.type = str(body.get("type") or "")
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        said = "; ".join(part for part in [self._headline(), *self._reasons()] if part)
        hint = HINTS.get(self.type) or HINTS.get(self.status)
        return f"{self.request} was answered {self.status}: {said or 'no explanation'}." + (f" {hint}" if hint else "")

    def _headline(self) -> str:
        words = [self.type, str(self.body.get("message") or "")]
        told = ("resource", "resource_id", "precondition", "current_state", "help_message")
        words += [f"{key} {self.body[key]}" for key in told if self.body.get(key)]
        return ", ".join(word for word in words if word)

    def _reasons(self) -> list[str]:
        details, fields = self.body.get("details"), self.body.get("fields")
        listed = details if isinstance(details, list) else []
        named = fields.items() if isinstance(fields, dict) else ()
        found = [_reason(detail) for detail in listed if isinstance(detail, dict)]
        return found + [f"{name}: {problems}" for name, problems in named]

    def details(self) -> dict[str, Any]:
        return {
            "kind": "ApiError",
            "request": self.request,
            "status": self.status,
            "type": self.type,
            "body": self.body,
        }


def _reason(detail: dict[str, Any]) -> str:
    if "argument_name" in detail:
        return f"{detail['argument_name']}: {detail.get('help_message') or detail.get('reason')}"
    return ", ".join(f"{key} {value}" for key, value in detail.items())


def is_missing(error: BaseException | None) -> bool:
    """Whether the API said that the object does not exist."""
    return isinstance(error, ApiError) and error.status == 404
