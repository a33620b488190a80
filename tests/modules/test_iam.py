# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys with few rights: what they may, who has their secret, and how one follows another."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from modules_support import Lab, Runner

READER = {"permission_set_names": ["InstancesReadOnly"]}
MINE, OTHER = {"owner_tag": "ensemble:production"}, {"owner_tag": "ensemble:staging"}
KEY = {"application": "metrics", "name": "prometheus"}


@pytest.fixture
def application(run: Runner) -> None:
    """One that may look at servers."""
    run.ok("iam_application", **MINE, name="metrics")
    run.ok("iam_policy", **MINE, name="metrics", application="metrics", rules=[READER])


def keys(lab: Lab) -> set[str]:
    return {each["access_key"] for each in lab.state().get("iam_api_key", [])}


@pytest.mark.usefixtures("application")
def test_a_key_that_may_list_servers_cannot_make_one(lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    key = run.ok("iam_api_key", **KEY)["api_key"]
    monkeypatch.setattr(lab, "account", {**lab.account, "secret_key": key["secret_key"]})
    assert run.ok("server_info")["servers"] == []
    refused = run.error("placement_group", name="apart")
    assert "instance_placement_group" not in lab.counts()
    assert "403" in refused
    assert "lacks an IAM policy" in refused


@pytest.mark.usefixtures("application")
def test_the_secret_is_told_once(lab: Lab, run: Runner) -> None:
    made = run.ok("iam_api_key", **KEY)
    secret = made["api_key"]["secret_key"]
    assert secret
    assert secret not in str(made["diff"])
    again = run.ok("iam_api_key", **KEY, expires_at="2099-01-01T00:00:00+00:00")
    assert again["api_key"]["secret_key"] is None
    assert secret not in str(again)
    assert run.ok("iam_api_key", check=True, **{**KEY, "name": "other"})["api_key"]["secret_key"] == ""


@pytest.mark.usefixtures("application")
def test_a_key_whose_secret_nobody_has_gives_way_to_another(lab: Lab, run: Runner) -> None:
    """Killed between "created" and "stored": the key is there, and good for nothing."""
    lost = run.ok("iam_api_key", **KEY, known="")["api_key"]["access_key"]
    made = run.ok("iam_api_key", **KEY, known="")
    assert made["changed"]
    assert made["api_key"]["secret_key"]
    stored = made["api_key"]["access_key"]
    assert keys(lab) == {lost, stored}, "nothing goes before the new one is stored"
    assert not run.ok("iam_api_key", **KEY, known=stored)["changed"]
    assert run.ok("iam_api_key", **KEY, known=stored, exclusive=True)["changed"]
    assert keys(lab) == {stored}
    assert not run.ok("iam_api_key", **KEY, known=stored, exclusive=True)["changed"]


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize("end", ["removed", "expired"])
def test_a_stored_key_that_is_good_for_nothing_gets_a_successor(end: str, lab: Lab, run: Runner) -> None:
    first = run.ok("iam_api_key", **KEY, known="")["api_key"]["access_key"]
    if end == "removed":
        run.ok("iam_api_key", application="metrics", id=first, state="absent")
    else:
        run.ok("iam_api_key", application="metrics", id=first, expires_at="2020-01-01T00:00:00Z")
    second = run.ok("iam_api_key", **KEY, known=first)["api_key"]
    assert second["secret_key"]
    assert second["access_key"] != first


@pytest.mark.usefixtures("application")
def test_a_lost_answer_leaves_no_key_that_nobody_can_use(lab: Lab, run: Runner) -> None:
    lab.fault(kind="reset", when="after", method="POST", path="/iam/v1alpha1/api-keys", count=1)
    made = run.ok("iam_api_key", **KEY, known="")["api_key"]
    assert made["secret_key"]
    assert keys(lab) == {made["access_key"]}


@pytest.mark.usefixtures("application")
def test_keys_of_anothers_application_stay(lab: Lab, run: Runner) -> None:
    run.ok("iam_api_key", **MINE, **KEY)
    before = lab.state()
    for desired in ({"name": "other"}, {"expires_at": "2099-01-01T00:00:00Z"}, {"known": "", "exclusive": True}):
        assert "ensemble:staging" in run.error("iam_api_key", **OTHER, **{**KEY, **desired})
    assert not run.ok("iam_api_key", **OTHER, **KEY, state="absent")["changed"]
    assert lab.state() == before


def test_the_organization_is_known_from_the_project(lab: Lab, run: Runner) -> None:
    """A project other than the default one, whose id is not the organization's."""
    token = {"X-Auth-Token": lab.account["secret_key"]}
    url = f"{lab.url}/account/v3/projects"
    project = requests.post(url, json={"name": "meet"}, headers=token, timeout=10).json()["id"]
    account: dict[str, Any] = {"project_id": project}
    run.ok("iam_application", **account, name="metrics")
    run.ok("iam_policy", **account, name="metrics", application="metrics", rules=[READER])
    state = lab.state()
    assert state["rule"][0]["project_ids"] == [project]
    assert state["policy"][0]["organization_id"] == state["application"][0]["organization_id"] != project
