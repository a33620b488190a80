# SPDX-License-Identifier: GPL-3.0-or-later
"""Account v3: projects."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import now
from ensemble_lab.web.lists import containing, equal, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply, Service

SERVICE = Service("/account/v3")
KIND = "project"
_GO_WITH_PROJECT = ("job", "ssh_key", KIND)
_QUALIFICATION = {"architecture_type": "unknown_architecture_type"}


def _view(project: Object) -> Object:
    return {**project, "qualification": _QUALIFICATION}


def _find(call: Call) -> Object:
    project = call.cloud.store.get(KIND, call["project"])
    if project is None:
        raise errors.not_found("project_id", call["project"])
    return project


@SERVICE.get("/projects")
def list_projects(call: Call) -> Object:
    chosen = call.asked_all("project_ids")
    projects = equal(call, containing(call, call.cloud.store.list(KIND)), "organization_id")
    return plain_list(
        call, "projects", [project for project in projects if not chosen or project["id"] in chosen], _view
    )


def ensure_project(cloud: Cloud) -> None:
    """The project that every account begins with: in Scaleway's clouds its id is the organisation's own."""
    settings = cloud.settings
    if not cloud.store.get(KIND, settings.project):
        _new(cloud, settings.project, "default", "")


def _new(cloud: Cloud, ident: str, name: str, description: str) -> Object:
    moment = now()
    project = {
        "id": ident,
        "name": name,
        "organization_id": cloud.settings.organization,
        "created_at": moment,
        "updated_at": moment,
        "description": description,
    }
    return cloud.store.put(KIND, project)


@SERVICE.post("/projects")
def create_project(call: Call) -> Object:
    name = call.body.get("name") or f"project-{call.cloud.new_id()[:8]}"
    if any(project["name"] == name for project in call.cloud.store.iterate(KIND)):
        raise errors.constraint("name", f"a project named {name} exists")
    project = _new(call.cloud, call.cloud.new_id(), name, call.body.get("description") or "")
    return {**project, "qualification": None}


@SERVICE.get("/projects/{project}")
def get_project(call: Call) -> Object:
    return _view(_find(call))


@SERVICE.patch("/projects/{project}")
def update_project(call: Call) -> Object:
    project = _find(call)
    for name in ("name", "description"):
        if call.body.get(name) is not None:
            project[name] = call.body[name]
    project["updated_at"] = now()
    return {**call.cloud.store.put(KIND, project), "qualification": None}


def _holds(call: Call, project: Object) -> bool:
    """Whether anything of the project is in use; what came by itself or is going away does not count."""
    for kind in call.cloud.store.kinds():
        for obj in call.cloud.store.iterate(kind) if kind not in _GO_WITH_PROJECT else ():
            passing = obj.get("is_default") or obj.get("deletion_requested_at")
            if project["id"] in (obj.get("project"), obj.get("project_id")) and not passing:
                return True
    return False


@SERVICE.delete("/projects/{project}")
def delete_project(call: Call) -> Reply:
    project = _find(call)
    if _holds(call, project):
        raise errors.precondition("resource_still_in_use", "the project is not empty")
    for kind in ("vpc", "ssh_key", "secret"):
        for obj in call.cloud.store.list(kind):
            if obj["project_id"] == project["id"]:
                call.cloud.store.delete(kind, obj["id"])
    call.cloud.store.delete(KIND, project["id"])
    return NO_CONTENT
