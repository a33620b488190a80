# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's image is built on a machine of the platform, and only where the registry does not have it."""

from __future__ import annotations

import re
import uuid

import pytest
from playbooks_support import Operator, Run

pytestmark = pytest.mark.slow

BUILDER = "builder-portal"
DIGEST = "sha256:" + "5f70bf18" * 8


def build(operator: Operator) -> Run:
    """A run that goes on to the machines, which nobody can reach here."""
    return operator.play("portal.yml", skip="", options=("-v",)).failed("timed out waiting for ping")


def push(operator: Operator, tag: str) -> None:
    """The registry gets an image of the portal."""
    state = operator.lab.save()
    (namespace,) = state["registry_namespace"]
    times = dict.fromkeys(("created_at", "updated_at"), "2026-11-28T10:00:00Z")
    common = {"region": "fr-par", "status": "ready", "status_message": "", **times}
    image = {**common, "id": str(uuid.uuid4()), "name": "portal", "namespace_id": namespace["id"], "size": 1}
    of_it = {**common, "id": str(uuid.uuid4()), "name": tag, "image_id": image["id"], "digest": DIGEST}
    state["registry_image"], state["registry_tag"] = [{**image, "visibility": "inherit"}], [of_it]
    operator.lab.reset()
    operator.lab.restore(state)


def granted(operator: Operator) -> list[str]:
    """The permission sets of all keys that there are: what the builder may, it may no longer than it lives."""
    state = operator.lab.state()
    bearers = {key["application_id"] for key in state["iam_api_key"]}
    policies = {each["id"] for each in state["policy"] if each.get("application_id") in bearers}
    return sorted(
        name for rule in state["rule"] if rule["policy_id"] in policies for name in rule["permission_set_names"]
    )


def test_a_builder_where_the_registry_does_not_have_it(operator: Operator) -> None:
    """It is found by the run itself; what a killed run left is removed by the next, and nothing is built again."""
    said = build(operator).output
    assert BUILDER in said
    builder = operator.servers()[BUILDER]
    assert "ensemble-role:builder-portal" in builder["tags"]
    (base,) = [each for each in operator.lab.state()["instance_image"] if "-base-" in each["name"]]
    assert builder["image"]["id"] == base["id"]
    assert granted(operator) == ["ContainerRegistryFullAccess", "ContainerRegistryReadOnly", "InstancesReadOnly"]

    push(operator, "0123456789ab")
    build(operator)
    again = operator.servers()[BUILDER]
    assert again["id"] != builder["id"]

    push(operator, re.findall(r"portal_tag: '?([0-9a-f]{12})\b", said)[0])
    operator.lab.forget_requests()
    said = build(operator).output
    assert "api-1" in said
    assert "/portal@" + DIGEST in said, "whoever may push cannot move it"
    assert BUILDER not in operator.servers()
    assert granted(operator) == ["ContainerRegistryReadOnly", "InstancesReadOnly"]
    assert [each for each in operator.lab.writes() if re.match("POST .*/servers$", each)] == []


def test_a_published_image_needs_no_registry_and_no_builder(operator: Operator) -> None:
    operator.lab.forget_requests()
    done = operator.play("portal.yml", skip="docker", portal_image="ghcr.io/example/portal:1.4.2")
    done.failed("timed out waiting for ping", "api-1")
    assert operator.lab.writes() == []
    assert [each for each in operator.lab.requests() if "/registry/" in each["path"]] == []


@pytest.mark.parametrize("reference", ["portal", "registry.example.org:5000/portal", "portal:1.4 "])
def test_a_reference_without_a_tag_is_refused(operator: Operator, reference: str) -> None:
    operator.play("portal.yml", portal_image=reference).failed("its tag such as")
