# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a client connects and as whom: arguments first, then SCW_* variables, then the Scaleway config file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import Invalid

API_URL = "https://api.scaleway.com"
ZONE = "fr-par-1"

ENVIRONMENT = {
    "access_key": "SCW_ACCESS_KEY",
    "secret_key": "SCW_SECRET_KEY",
    "project_id": "SCW_DEFAULT_PROJECT_ID",
    "organization_id": "SCW_DEFAULT_ORGANIZATION_ID",
    "zone": "SCW_DEFAULT_ZONE",
    "region": "SCW_DEFAULT_REGION",
    "api_url": "SCW_API_URL",
    "profile": "SCW_PROFILE",
    "config_file": "SCW_CONFIG_PATH",
}
TUNING = ("api_timeout", "api_retry_time", "api_proxy", "api_ca_path")
ARGUMENTS = (*ENVIRONMENT, *TUNING)
PROFILE_NAMES = {
    "project_id": "default_project_id",
    "organization_id": "default_organization_id",
    "zone": "default_zone",
    "region": "default_region",
}
UUID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


def is_uuid(text: Any) -> bool:
    """Whether a name-or-id argument is an id."""
    return isinstance(text, str) and bool(UUID.match(text))


@dataclass(frozen=True)
class Settings:
    """Everything a client needs to know. Never shown as a whole: `secret_key` stays out of the representation."""

    secret_key: str = field(repr=False)
    access_key: str = ""
    project_id: str = ""
    organization_id: str = ""
    zone: str = ZONE
    region: str = ""
    api_url: str = API_URL
    api_timeout: float = 60.0
    api_retry_time: float = 60.0
    api_proxy: str = ""
    api_ca_path: str = ""

    def __post_init__(self) -> None:
        if not self.secret_key:
            raise Invalid(
                "No Scaleway credentials: give secret_key, set SCW_SECRET_KEY, or write a config file (scw init)."
            )
        if not is_uuid(self.secret_key):
            raise Invalid("secret_key is not a Scaleway secret key: it must be a UUID.")
        if not re.match(r"^https?://[^/\s]+", self.api_url):
            raise Invalid(f"api_url {self.api_url!r} is not an http(s) URL.")
        if not re.match(r"^[a-z]{2}-[a-z]{3}-\d$", self.zone):
            raise Invalid(f"zone {self.zone!r} is not a zone such as {ZONE}.")
        if not self.region:
            object.__setattr__(self, "region", self.zone.rsplit("-", 1)[0])

    @property
    def project(self) -> str:
        """The project to work in; the default project's id equals the organisation's."""
        project = self.project_id or self.organization_id
        if not project:
            raise Invalid(
                "No project: give project_id, set SCW_DEFAULT_PROJECT_ID, or set default_project_id in the config file."
            )
        return project

    def at(self, zone: str) -> Settings:
        """The same account, looked at from another zone."""
        return replace(self, zone=zone, region="")


def from_arguments(arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of a module, plugin or lookup; `arguments` may hold other keys, and None or "" counts as not given."""
    environment = os.environ if environment is None else environment
    given: dict[str, Any] = {}
    for name, variable in ENVIRONMENT.items():
        value = arguments.get(name) or environment.get(variable)
        if value:
            given[name] = value
    for name in TUNING:
        if arguments.get(name):
            given[name] = arguments[name]
    profile, config_file = given.pop("profile", None), given.pop("config_file", None)
    if "region" in given and "zone" not in given:
        given["zone"] = f"{given['region']}-1"
    if (
        profile
        or config_file
        or not (given.get("secret_key") and (given.get("project_id") or given.get("organization_id")))
    ):
        given = {**_from_profile(profile, config_file), **given}
    given.setdefault("secret_key", "")
    given["api_url"] = str(given.get("api_url", API_URL)).rstrip("/")
    return Settings(**given)


def _from_profile(profile: str | None, config_file: str | None) -> dict[str, Any]:
    """What the Scaleway config file says; {} where there is no file and none was asked for."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = config_file or os.path.join(home, "scw", "config.yaml")
    if not os.path.exists(path):
        if profile or config_file:
            raise Invalid(f"The Scaleway config file {path} does not exist.")
        return {}
    try:
        from scaleway_core.profile import Profile
    except ImportError as error:
        raise Invalid(f"Reading {path} needs the Python package scaleway-core: pip install scaleway-core.") from error
    try:
        loaded = Profile.from_config_file(path, profile or "default", force_none=True)
    except Exception as error:  # the SDK raises whatever its YAML parser raises
        raise Invalid(f"The Scaleway config file {path} cannot be used: {error}") from error
    values = {
        name: getattr(loaded, PROFILE_NAMES.get(name, name), None)
        for name in ("access_key", "secret_key", "project_id", "organization_id", "zone", "region", "api_url")
    }
    return {name: value for name, value in values.items() if value}
