# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM v1alpha1: policies, their rules, and the permission sets that rules grant."""

from __future__ import annotations

import uuid
from typing import Any

from ensemble_lab import errors
from ensemble_lab.access import POLICY, RULE
from ensemble_lab.api.iam import SERVICE
from ensemble_lab.api.iam_applications import chosen, described, find_application, new_object, with_tag
from ensemble_lab.permissions import SETS
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, equal, plain_list
from ensemble_lab.web.service import Call

_PRINCIPALS = ("application_id", "user_id", "group_id", "no_principal")


def _rules(call: Call, policy: Object) -> list[Object]:
    return [rule for rule in call.cloud.store.list(RULE) if rule["policy_id"] == policy["id"]]


def _view(call: Call, policy: Object) -> Object:
    rules = _rules(call, policy)
    scopes = {scope for rule in rules for scope in rule.get("project_ids") or [rule.get("organization_id")]}
    sets = [name for rule in rules for name in rule["permission_set_names"]]
    return {**policy, "nb_rules": len(rules), "nb_scopes": len(scopes), "nb_permission_sets": len(sets)}


def _find(call: Call, ident: str | None) -> Object:
    policy = call.cloud.store.get(POLICY, ident)
    if policy is None:
        raise errors.not_found(POLICY, str(ident))
    return policy


def _principal(call: Call) -> dict[str, Any]:
    """The one whom a request gives the policy to; {} where it names nobody."""
    given = {name: call.body[name] for name in _PRINCIPALS if call.body.get(name)}
    if len(given) > 1:
        raise errors.constraint(" ".join(given), "one principal is expected")
    if "application_id" in given:
        find_application(call, given["application_id"])
    if "group_id" in given:
        raise errors.not_found("group", given["group_id"])
    return given


def _scope_type(rule: Object) -> str:
    """Of the permission sets of a rule, which all must have the same one."""
    names = rule.get("permission_set_names") or []
    unknown = [name for name in names if name not in SETS]
    if unknown or not names:
        text = f"{', '.join(unknown)}: no such permission set" if unknown else "at least one is expected"
        raise errors.constraint("permission_set_names", text)
    types = {SETS[name] for name in names}
    if len(types) > 1:
        raise errors.constraint("permission_set_names", "some are for projects, some for the organization")
    return types.pop()


def _checked(call: Call) -> list[Object]:
    """The rules of a request, as they will be kept; refuses them all if one is wrong."""
    made = []
    for rule in call.body.get("rules") or []:
        scope_type, projects = _scope_type(rule), rule.get("project_ids") or []
        if bool(projects) == bool(rule.get("organization_id")):
            raise errors.constraint("rules", "either project_ids or organization_id is expected")
        if projects and scope_type != "projects":
            raise errors.constraint("project_ids", f"{rule['permission_set_names'][0]} is for the organization")
        for project in projects:
            if call.cloud.store.get("project", project) is None:
                raise errors.not_found("project_id", project)
        made.append(
            {
                "permission_set_names": rule["permission_set_names"],
                "permission_sets_scope_type": scope_type,
                "condition": rule.get("condition") or "",
                **({"project_ids": projects} if projects else {"organization_id": rule["organization_id"]}),
            }
        )
    return made


def _set_rules(call: Call, policy: Object, rules: list[Object]) -> list[Object]:
    store = call.cloud.store
    for old in _rules(call, policy):
        store.delete(RULE, old["id"])
    return [store.put(RULE, {"id": call.cloud.new_id(), **rule, "policy_id": policy["id"]}) for rule in rules]


def _rule_view(rule: Object) -> Object:
    return {name: value for name, value in rule.items() if name != "policy_id"}


def _choose(call: Call) -> list[Object]:
    plain = {"policy_name": "name", "policy_name_asc": "name_asc", "policy_name_desc": "name_desc"}
    call.query = [(plain.get(name, name), plain.get(value, value)) for name, value in call.query]
    found = with_tag(call, containing(call, call.cloud.store.list(POLICY)))
    found = equal(call, found, "organization_id", "editable", "no_principal")
    for name in ("application", "user", "group"):
        found = chosen(call, found, f"{name}_ids", f"{name}_id")
    return chosen(call, found, "policy_ids")


@SERVICE.post("/policies")
def create_policy(call: Call) -> Object:
    principal, rules = _principal(call) or {"no_principal": True}, _checked(call)
    policy = {**new_object(call, "pol"), **principal}
    call.cloud.check_quota(POLICY, POLICY)
    shown = _view(call, call.cloud.store.put(POLICY, policy))  # the rules are not counted yet
    _set_rules(call, policy, rules)
    return shown


def _change(call: Call, policy: Object) -> Object:
    given, principal = described(call), _principal(call)
    kept = {name: value for name, value in policy.items() if not (principal and name in _PRINCIPALS)}
    return call.cloud.store.put(POLICY, {**kept, **given, **principal, "updated_at": now()})


def _delete(call: Call, policy: Object) -> None:
    _set_rules(call, policy, [])
    call.cloud.store.delete(POLICY, policy["id"])


Crud(
    path="/policies",
    item="policy",
    key="policies",
    find=_find,
    view=_view,
    choose=_choose,
    change=_change,
    delete=_delete,
).serve(SERVICE)


@SERVICE.get("/rules")
def list_rules(call: Call) -> Object:
    policy = _find(call, call.asked("policy_id"))
    return plain_list(call, "rules", _rules(call, policy), _rule_view)


@SERVICE.put("/rules")
def set_rules(call: Call) -> Object:
    call.need("policy_id")
    policy, rules = _find(call, call.body["policy_id"]), _checked(call)
    return {"rules": [_rule_view(rule) for rule in _set_rules(call, policy, rules)]}


@SERVICE.get("/permission-sets")
def list_permission_sets(call: Call) -> Object:
    sets = [
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
            "name": name,
            "scope_type": scope,
            "description": "",
            "categories": [],
        }
        for name, scope in SETS.items()
    ]
    return plain_list(call, "permission_sets", sets)
