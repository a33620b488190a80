# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM v1alpha1: applications, which have their own API keys."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.access import APPLICATION, KEY, POLICY
from ensemble_lab.api.iam import SERVICE
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.crud import Crud
from ensemble_lab.web.lists import containing, equal
from ensemble_lab.web.service import Call

_LONGEST_NAME, _LONGEST_DESCRIPTION, _MOST_TAGS = 64, 200, 10


def described(call: Call) -> Object:
    """Name, description and tags of a request, as far as they are given; refuses what is too long."""
    given = {name: call.body[name] for name in ("name", "description", "tags") if call.body.get(name) is not None}
    limits = (("name", _LONGEST_NAME), ("description", _LONGEST_DESCRIPTION), ("tags", _MOST_TAGS))
    wrong = [
        (name, "constraint", f"at most {most} are possible") for name, most in limits if len(given.get(name, "")) > most
    ]
    if wrong:
        raise errors.invalid(*wrong)
    return given


def with_tag(call: Call, items: list[Object]) -> list[Object]:
    tag = call.asked("tag")
    return items if tag is None else [item for item in items if any(tag in each for each in item["tags"])]


def chosen(call: Call, items: list[Object], name: str, key: str = "id") -> list[Object]:
    """Those whose field is one of the values of a repeated query parameter (where given)."""
    desired = call.asked_all(name)
    return [item for item in items if item.get(key) in desired] if desired else items


def new_object(call: Call, prefix: str) -> Object:
    """What applications and policies have in common."""
    moment = now()
    return {
        "id": call.cloud.new_id(),
        "name": f"{prefix}-{call.cloud.new_id()[:8]}",
        "description": "",
        "created_at": moment,
        "updated_at": moment,
        "organization_id": call.cloud.settings.organization,
        "editable": True,
        "deletable": True,
        "managed": False,
        "tags": [],
        **described(call),
    }


def _view(call: Call, application: Object) -> Object:
    keys = sum(key.get("application_id") == application["id"] for key in call.cloud.store.iterate(KEY))
    return {**application, "nb_api_keys": keys}


def find_application(call: Call, ident: str) -> Object:
    application = call.cloud.store.get(APPLICATION, ident)
    if application is None:
        raise errors.not_found(APPLICATION, ident)
    return application


def _choose(call: Call) -> list[Object]:
    found = with_tag(call, containing(call, call.cloud.store.list(APPLICATION)))
    return chosen(call, equal(call, found, "organization_id", "editable"), "application_ids")


def _create(call: Call) -> Object:
    call.cloud.check_quota(APPLICATION, APPLICATION)
    return call.cloud.store.put(APPLICATION, new_object(call, "app"))


def _change(call: Call, application: Object) -> Object:
    return call.cloud.store.put(APPLICATION, application | {**described(call), "updated_at": now()})


def _delete(call: Call, application: Object) -> None:
    """Its keys go with it; its policies stay, and are nobody's."""
    ident, store = application["id"], call.cloud.store
    for key in store.list(KEY):
        if key["application_id"] == ident:
            store.delete(KEY, key["id"])
    for policy in store.list(POLICY):
        if policy.get("application_id") == ident:
            del policy["application_id"]
            store.put(POLICY, policy | {"no_principal": True})
    store.delete(APPLICATION, ident)


Crud(
    path="/applications",
    item="application",
    key="applications",
    find=find_application,
    view=_view,
    choose=_choose,
    create=_create,
    change=_change,
    delete=_delete,
).serve(SERVICE)
