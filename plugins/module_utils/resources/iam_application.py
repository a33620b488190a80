# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications, which have their own API keys. Like all of IAM, they belong to the organization."""

from __future__ import annotations

from ..engine import Resource
from ..fields import TAGS, Field, text


class OrganizationObject(Resource):
    """Base of objects that belong to the organization, not to a project."""

    envelope = False
    project_key = "organization_id"

    @property
    def account(self) -> str:
        return self.client.organization

    @property
    def where(self) -> str:
        return "this organization"


class IamApplication(OrganizationObject):
    word = "application"
    key = "application"
    plural = "applications"
    path = "/iam/v1alpha1/applications"
    fields = (Field("description", normal=text, created=""), TAGS)
    creation_needs = ("name",)
