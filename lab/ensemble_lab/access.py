# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticate and authorize requests: the keys of the organisation, and the policies of their applications."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ensemble_lab import errors, permissions
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object, Store

KEY, APPLICATION, POLICY, RULE = "iam_api_key", "application", "policy", "rule"
_PARENTS = (
    "lb_id",
    "backend_id",
    "frontend_id",
    "namespace_id",
    "image_id",
    "secret_id",
    "vpc_id",
    "server_id",
    "instance_id",
)
_REGISTRY = "/registry/v1/namespaces"


@dataclass(frozen=True)
class Projects:
    """Those in which something is allowed."""

    everywhere: bool
    chosen: frozenset[str] = frozenset()

    def __contains__(self, project: str | None) -> bool:
        return self.everywhere or project is None or project in self.chosen

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.chosen)


EVERYWHERE, NOWHERE = Projects(True), Projects(False)


@dataclass(frozen=True)
class Bearer:
    """The owner of the organisation, or an application."""

    cloud: Cloud
    application: str | None = None
    """None: the owner, who may do everything."""

    def may(self, sets: Iterable[str]) -> Projects:
        """The projects in which a policy grants one of the permission sets."""
        if self.application is None:
            return EVERYWHERE
        store, desired = self.cloud.store, set(sets)
        chosen: set[str] = set()
        policies = {
            policy["id"] for policy in store.iterate(POLICY) if policy.get("application_id") == self.application
        }
        for rule in store.iterate(RULE):
            if rule["policy_id"] in policies and desired & set(rule["permission_set_names"]):
                if rule.get("organization_id"):
                    return EVERYWHERE
                chosen.update(rule.get("project_ids") or [])
        return Projects(False, frozenset(chosen))


def bearer_of(cloud: Cloud, secret_key: str | None) -> Bearer:
    """Whose key this is; raises denied_authentication for one that is unknown or has expired."""
    if secret_key == cloud.settings.secret_key:
        return Bearer(cloud)
    key = next((key for key in cloud.store.iterate(KEY) if key["secret_key"] == secret_key), None)
    if key is None:
        raise errors.unauthenticated()
    if has_expired(key):
        raise errors.unauthenticated("expired")
    return Bearer(cloud, key["application_id"])


def has_expired(key: Object) -> bool:
    return bool(key["expires_at"]) and datetime.fromisoformat(key["expires_at"]) <= datetime.now(UTC)


def authorize(bearer: Bearer, method: str, path: str, params: dict[str, str], asked: Object) -> Projects:
    """The projects whose objects a request may meet; raises permissions_denied where that is not enough.

    `params`: the ids in its path; `asked`: its query or body, for the project that they name.
    """
    if bearer.application is None:
        return EVERYWHERE
    allowed = bearer.may(permissions.sets_for(method, path))
    store = bearer.cloud.store
    meant = {project_of(store, store.find(ident)) for ident in params.values()}
    meant |= {asked.get(name) for name in ("project", "project_id")} - {""}
    if method == "POST" and meant <= {None} and not allowed.everywhere:
        meant = {bearer.cloud.settings.project}  # what is created without a project gets into the default one
    if not allowed or any(project not in allowed for project in meant):
        raise errors.denied(permissions.resource_of(path), permissions.action_of(method))
    return allowed


def project_of(store: Store, obj: Object | None) -> str | None:
    """The project of an object of any kind, its own or that of the object which it is part of."""
    if obj is None:
        return None
    own = obj.get("project") or obj.get("project_id")
    if own:
        return str(own)
    parent = next((obj[name] for name in _PARENTS if isinstance(obj.get(name), str)), None)
    return project_of(store, store.find(parent)) if parent else None


def registry_actions(cloud: Cloud, namespace: str, secret_key: str | None) -> frozenset[str]:
    """What a client may do in a namespace: pull, push, delete. `secret_key` None: a stranger's, who gave none."""
    space = next((space for space in cloud.store.iterate("registry_namespace") if space["name"] == namespace), None)
    if space is None:
        return frozenset()
    actions = {"pull"} if space["is_public"] else set()
    if secret_key is not None:
        bearer = bearer_of(cloud, secret_key)
        for method, granted in (("GET", ("pull",)), ("POST", ("pull", "push", "delete", "*"))):
            if space["project_id"] in bearer.may(permissions.sets_for(method, _REGISTRY)):
                actions.update(granted)
    return frozenset(actions)
