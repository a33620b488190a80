# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a client connects and as whom: arguments first, then SCW_* variables, then the Scaleway config file.

A profile (or config file) that a task names comes before the variables. What names another key than the one that is
used is of another account, and nothing of it is mixed in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

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
CHOICE = ("profile", "config_file")
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
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The source of each value, for display."""

    def __post_init__(self) -> None:
        if not self.secret_key:
            raise Invalid(
                "No Scaleway credentials: set secret_key or SCW_SECRET_KEY, or write a config file (scw init)."
            )
        if not is_uuid(self.secret_key):
            raise Invalid("secret_key is not a Scaleway secret key: it must be a UUID.")
        if not re.match(r"^https?://[^/\s]+", self.api_url):
            raise Invalid(f"api_url {self.api_url!r} is not an http(s) URL.")
        if self.region and not re.fullmatch(r"[a-z]{2}-[a-z]{3}", self.region):
            raise Invalid(f"region {self.region!r} is not a region such as {ZONE[:-2]}.")
        if not re.fullmatch(r"[a-z]{2}-[a-z]{3}-\d", self.zone):
            raise Invalid(f"zone {self.zone!r} is not a zone such as {ZONE}.")
        for name in ("project_id", "organization_id"):
            if getattr(self, name) and not is_uuid(getattr(self, name)):
                raise Invalid(f"{name} {getattr(self, name)!r} is not an id: it must be a UUID.")
        if self.api_timeout <= 0 or self.api_retry_time < 0:
            raise Invalid("api_timeout must be more than 0 seconds, and api_retry_time must not be negative.")
        if self.api_ca_path and not os.path.exists(self.api_ca_path):
            raise Invalid(f"api_ca_path {self.api_ca_path} does not exist.")
        if not self.region:
            object.__setattr__(self, "region", self.zone.rsplit("-", 1)[0])
        if not self.project_id:  # the default project's id equals the organisation's
            object.__setattr__(self, "project_id", self.organization_id)

    @property
    def project(self) -> str:
        """The project to work in, where there must be one."""
        if not self.project_id:
            raise Invalid(
                "No project: set project_id, SCW_DEFAULT_PROJECT_ID, or default_project_id in the config file."
            )
        return self.project_id

    def told(self) -> dict[str, str]:
        """Every value but the keys with the place that it came from, and the places of the keys; for verbose output."""
        shown = {}
        for name, origin in sorted(self.origins.items()):
            value = "" if name in ("access_key", "secret_key") else f"{getattr(self, name)} "
            shown[name] = f"{value}from {origin}"
        return shown

    def at(self, zone: str) -> Settings:
        """Return the same settings for another zone."""
        return replace(self, zone=zone, region="")


def from_arguments(arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of a module, plugin or lookup; `arguments` may hold other keys, and None or "" counts as not given."""
    environment = os.environ if environment is None else environment
    said = {name: arguments[name] for name in ARGUMENTS if arguments.get(name) not in (None, "")}
    exported = {name: environment[variable] for name, variable in ENVIRONMENT.items() if environment.get(variable)}
    profile, config_file = ({**exported, **said}.get(name) for name in ("profile", "config_file"))
    sources = [Source(said, "argument {name}"), Source(exported, "environment variable {variable}")]
    known = {**exported, **said}
    complete = known.get("secret_key") and (known.get("project_id") or known.get("organization_id"))
    if profile or config_file or not complete:
        chosen_by_task = bool({"profile", "config_file"} & said.keys())
        sources.insert(1 if chosen_by_task else 2, _from_profile(profile, config_file))
    given: dict[str, Any] = {"secret_key": "", "api_url": API_URL}
    origins = {"zone": "default", "api_url": "default"}
    for source in reversed(_of_one_account(sources)):
        values = {name: value for name, value in _in_place(source.values).items() if name not in CHOICE}
        given.update(values)
        origins.update({name: source.origin(name) for name in values})
    given["api_url"] = str(given["api_url"]).rstrip("/")
    return Settings(**given, origins=origins)


class Source(NamedTuple):
    """Values from one place, and how to name that place."""

    values: dict[str, Any]
    words: str

    def origin(self, name: str) -> str:
        if name not in self.values:
            name = "region" if name == "zone" else "zone"  # one was told by the other
        return self.words.format(name=name, variable=ENVIRONMENT.get(name, name))


def _of_one_account(sources: list[Source]) -> list[Source]:
    """The sources without those that name another key than the first that names any."""
    key = next((source.values["secret_key"] for source in sources if source.values.get("secret_key")), None)
    return [source for source in sources if source.values.get("secret_key", key) == key]


def _in_place(source: dict[str, Any]) -> dict[str, Any]:
    """A source that names a zone or a region names both: a zone never goes with the region of a weaker source."""
    if source.get("zone"):
        return {"region": "", **source}
    return {"zone": f"{source['region']}-1", **source} if source.get("region") else source


def _from_profile(profile: str | None, config_file: str | None) -> Source:
    """What the Scaleway config file says; nothing where there is no file and none was asked for.

    As with Scaleway's own tools, the file may name the profile to use, and a profile inherits what it does not say.
    """
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = config_file or os.path.join(home, "scw", "config.yaml")
    if not os.path.exists(path):
        if profile or config_file:
            raise Invalid(f"The Scaleway config file {path} does not exist.")
        return Source({}, path)
    try:
        import yaml
    except ImportError as error:
        raise Invalid(f"Reading {path} needs the Python package PyYAML: pip install PyYAML.") from error
    try:
        with open(path, encoding="utf-8") as file:
            written = yaml.safe_load(file) or {}
        desired = profile or written.get("active_profile") or "default"
        profiles = {"default": {}, **(written.get("profiles") or {})}
        if desired not in profiles:
            raise Invalid(f"The Scaleway config file {path} has no profile {desired!r}; it has {', '.join(profiles)}.")
        inherited = {**written, **profiles[desired]}
    except (OSError, ValueError, AttributeError, TypeError, yaml.YAMLError) as error:
        raise Invalid(f"The Scaleway config file {path} cannot be used: {error}") from error
    names = ("access_key", "secret_key", "project_id", "organization_id", "zone", "region", "api_url")
    found = {name: inherited.get(PROFILE_NAMES.get(name, name)) for name in names}
    values = {name: str(value) for name, value in found.items() if value}
    return Source(values, f"profile {desired} of {path}".replace("{", "{{").replace("}", "}}"))
