# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies: what an application may do, and in which projects."""

from __future__ import annotations

import builtins
from typing import Any, ClassVar

from ..errors import Invalid
from ..fields import TAGS, Field, Ref, label, text, unordered
from ..plan import Object, Values
from .iam_application import IamApplication, OrganizationObject

RULE = {
    "permission_set_names": {"type": "list", "elements": "str", "required": True},
    "project_ids": {"type": "list", "elements": "str"},
    "whole_organization": {"type": "bool", "default": False},
}
RULES_PATH = "/iam/v1alpha1/rules"


def normal_rule(rule: Values) -> tuple[list[str], list[str]]:
    """Permission sets and projects of a rule, of the API or of a task; no projects: the whole organization."""
    return unordered(rule["permission_set_names"]), unordered(rule.get("project_ids"))


def normal_rules(rules: Any) -> list[tuple[list[str], list[str]]]:
    """Their order means nothing, since all of them grant."""
    return sorted(normal_rule(rule) for rule in rules or [])


def shown_rules(rules: Any) -> list[Values]:
    return [{"permission_set_names": sets, "project_ids": projects} for sets, projects in normal_rules(rules)]


def application_of(policy: Object) -> Any:
    return Ref(policy["application_id"]) if policy.get("application_id") else ""


class IamPolicy(OrganizationObject):
    word = "policy"
    key = "policy"
    plural = "policies"
    path = "/iam/v1alpha1/policies"
    fields = (
        Field("description", normal=text, created=""),
        Field("application", wire="application_id", read=application_of, shown=label),
        TAGS,
        Field(
            "rules",
            {"type": "list", "elements": "dict", "options": RULE},
            part=True,
            at_birth=True,
            normal=normal_rules,
            shown=shown_rules,
        ),
    )
    creation_needs = ("name", "rules")
    unknown: ClassVar[Values] = {"application_id": ""}

    def namesakes(self) -> builtins.list[Object]:
        return [each for each in self.list(policy_name=self.name) if each.get("name") == self.name]

    def resolve(self, name: str, value: Any) -> Any:
        if name == "application":
            return self.reference(IamApplication, value) if value else ""
        return [self._rule(rule) for rule in value] if name == "rules" else value

    def _rule(self, rule: Values) -> Values:
        """A rule as the API takes it; it is about the task's own project where it says nothing else."""
        sets, projects, whole = rule["permission_set_names"], rule.get("project_ids"), rule.get("whole_organization")
        if not sets:
            raise Invalid(f"{self}: a rule without permission_set_names grants nothing.")
        if projects and whole:
            raise Invalid(f"{self}: a rule must have either project_ids or whole_organization: true.")
        if projects == []:
            raise Invalid(f"{self}: project_ids is empty, perhaps because a lookup found nothing.")
        scope = {"organization_id": self.account} if whole else {"project_ids": projects or [self.client.project]}
        return {"permission_set_names": sets, "condition": "", **scope}

    def creation_body(self, desired: Values) -> Object:
        body = super().creation_body(desired)
        return body if body.get("application_id") else self._nobodys(body)

    def change_body(self, current: Object, changes: Object) -> Object:
        return self._nobodys(changes) if changes.get("application_id") == "" else changes

    @staticmethod
    def _nobodys(body: Object) -> Object:
        """A policy without an application says so in a field of its own."""
        return {**{key: value for key, value in body.items() if key != "application_id"}, "no_principal": True}

    def read_part(self, name: str, current: Object) -> Any:
        return self.client.list(RULES_PATH, "rules", policy_id=current["id"])

    def write_part(self, name: str, current: Object, value: Any) -> None:
        self.client.put(RULES_PATH, {"policy_id": current["id"], "rules": value})
