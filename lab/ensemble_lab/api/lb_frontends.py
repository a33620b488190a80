# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancer v1: frontends, with their ACLs and routes."""

from __future__ import annotations

from ensemble_lab import errors
from ensemble_lab.api.lb import LB, SERVICE, change, find, keep_part, lb_view, parts_of
from ensemble_lab.api.lb_backends import KIND as BACKEND
from ensemble_lab.api.lb_backends import backend_view
from ensemble_lab.api.lb_certificates import certificate_view
from ensemble_lab.cloud import Cloud
from ensemble_lab.store import Object
from ensemble_lab.times import written
from ensemble_lab.web.lists import containing, equal, plain_list
from ensemble_lab.web.service import NO_CONTENT, Call, Reply

FRONTEND, ACL, ROUTE = "lb_frontend", "lb_acl", "lb_route"
_FILTERS = (
    "acl_http_filter_none",
    "path_begin",
    "path_end",
    "regex",
    "http_header_match",
)


def frontend_view(cloud: Cloud, frontend: Object) -> Object:
    lb, backend = cloud.store.get(LB, frontend["lb_id"]), cloud.store.get(BACKEND, frontend["backend_id"])
    shown = {key: value for key, value in frontend.items() if key not in ("lb_id", "backend_id", "zone")}
    certificate = cloud.store.get("lb_certificate", next(iter(frontend["certificate_ids"]), None))
    return shown | {
        "lb": lb and lb_view(cloud, lb),
        "backend": backend and backend_view(cloud, backend),
        "certificate": certificate and certificate_view(cloud, certificate),
    }


def _frontend_fields(call: Call, lb_id: str, ident: str | None = None) -> Object:
    body = call.body
    call.need("name", "inbound_port", "backend_id")
    port = body["inbound_port"]
    if not isinstance(port, int) or not 1 <= port <= 65535:
        raise errors.constraint("inbound_port", f"{port} is not a port")
    if any(other["inbound_port"] == port and other["id"] != ident for other in parts_of(call.cloud, FRONTEND, lb_id)):
        raise errors.constraint("inbound_port", f"port {port} has a frontend already")
    backend = find(call, BACKEND, body["backend_id"])
    if backend["lb_id"] != lb_id:
        raise errors.constraint("backend_id", "the backend belongs to another load balancer")
    certificates = body.get("certificate_ids") or ([body["certificate_id"]] if body.get("certificate_id") else [])
    for certificate in certificates:
        find(call, "lb_certificate", certificate)
    return {
        "name": body["name"],
        "inbound_port": port,
        "backend_id": backend["id"],
        "timeout_client": body.get("timeout_client"),
        "certificate_ids": certificates,
        "enable_http3": bool(body.get("enable_http3")),
        "connection_rate_limit": body.get("connection_rate_limit") or None,
        "enable_access_logs": bool(body.get("enable_access_logs")),
    }


@SERVICE.get("/lbs/{lb}/frontends")
def list_frontends(call: Call) -> Object:
    lb = find(call, LB, call["lb"])
    frontends = containing(call, parts_of(call.cloud, FRONTEND, lb["id"]))
    return plain_list(call, "frontends", frontends, lambda frontend: frontend_view(call.cloud, frontend))


@SERVICE.post("/lbs/{lb}/frontends")
def create_frontend(call: Call) -> Object:
    lb = find(call, LB, call["lb"])
    fields = _frontend_fields(call, lb["id"])
    frontend = {"id": call.cloud.new_id(), **fields, "lb_id": lb["id"], "zone": call.zone}
    return written(frontend_view(call.cloud, keep_part(call, FRONTEND, frontend)))


@SERVICE.get("/frontends/{frontend}")
def get_frontend(call: Call) -> Object:
    return frontend_view(call.cloud, find(call, FRONTEND, call["frontend"]))


@SERVICE.put("/frontends/{frontend}")
def update_frontend(call: Call) -> Object:
    frontend = find(call, FRONTEND, call["frontend"])
    frontend |= _frontend_fields(call, frontend["lb_id"], frontend["id"])
    return written(frontend_view(call.cloud, keep_part(call, FRONTEND, frontend)))


@SERVICE.delete("/frontends/{frontend}")
def delete_frontend(call: Call) -> Reply:
    frontend = find(call, FRONTEND, call["frontend"])
    for kind in (ACL, ROUTE):
        for part in call.cloud.store.list(kind):
            if part["frontend_id"] == frontend["id"]:
                call.cloud.store.delete(kind, part["id"])
    return _drop(call, FRONTEND, frontend)


def _drop(call: Call, kind: str, part: Object) -> Reply:
    call.cloud.store.delete(kind, part["id"])
    change(call, {"id": part["lb_id"]})
    return NO_CONTENT


# ACLs


def _acl_view(cloud: Cloud, acl: Object) -> Object:
    frontend = cloud.store.get(FRONTEND, acl["frontend_id"])
    shown = {key: value for key, value in acl.items() if key not in ("lb_id", "frontend_id", "zone")}
    return shown | {"frontend": frontend and frontend_view(cloud, frontend)}


def _acl_fields(call: Call, body: Object) -> Object:
    missing = [name for name in ("name", "action", "index") if body.get(name) is None]
    if missing:
        raise errors.required(*missing)
    action, match = body["action"], body.get("match") or {}
    if action.get("type") not in ("allow", "deny", "redirect"):
        raise errors.constraint("action.type", f"{action.get('type')} is not allow, deny or redirect")
    kind = match.get("http_filter") or _FILTERS[0]
    if kind not in _FILTERS:
        raise errors.constraint("match.http_filter", f"{kind} is not one of {', '.join(_FILTERS)}")
    from_anywhere = [] if kind != _FILTERS[0] else ["0.0.0.0/0"]
    return {
        "name": body["name"],
        "action": {"type": action["type"], "redirect": action.get("redirect")},
        "match": {
            "ip_subnet": match.get("ip_subnet") or from_anywhere,
            "ips_edge_services": bool(match.get("ips_edge_services")),
            "http_filter": kind,
            "http_filter_value": match.get("http_filter_value") or [],
            "http_filter_option": match.get("http_filter_option"),
            "invert": bool(match.get("invert")),
        },
        "index": body["index"],
        "description": body.get("description") or "",
    }


def _new_acl(call: Call, frontend: Object, body: Object) -> Object:
    place = {"lb_id": frontend["lb_id"], "frontend_id": frontend["id"], "zone": call.zone}
    return keep_part(call, ACL, {"id": call.cloud.new_id(), **_acl_fields(call, body), **place})


@SERVICE.get("/frontends/{frontend}/acls")
def list_acls(call: Call) -> Object:
    frontend = find(call, FRONTEND, call["frontend"])
    acls = [acl for acl in call.cloud.store.iterate(ACL) if acl["frontend_id"] == frontend["id"]]
    return plain_list(call, "acls", containing(call, acls), lambda acl: _acl_view(call.cloud, acl))


@SERVICE.post("/frontends/{frontend}/acls")
def create_acl(call: Call) -> Object:
    return written(_acl_view(call.cloud, _new_acl(call, find(call, FRONTEND, call["frontend"]), call.body)))


@SERVICE.put("/frontends/{frontend}/acls")
def set_acls(call: Call) -> Object:
    """Replaces all ACLs of a frontend."""
    frontend = find(call, FRONTEND, call["frontend"])
    asked = call.body.get("acls") or []
    for body in asked:
        _acl_fields(call, body)
    for acl in call.cloud.store.list(ACL):
        if acl["frontend_id"] == frontend["id"]:
            call.cloud.store.delete(ACL, acl["id"])
    acls = [written(_acl_view(call.cloud, _new_acl(call, frontend, body))) for body in asked]
    return {"acls": acls, "total_count": len(acls)}


@SERVICE.get("/acls/{acl}")
def get_acl(call: Call) -> Object:
    return _acl_view(call.cloud, find(call, ACL, call["acl"]))


@SERVICE.put("/acls/{acl}")
def update_acl(call: Call) -> Object:
    acl = find(call, ACL, call["acl"])
    acl |= _acl_fields(call, call.body)
    return written(_acl_view(call.cloud, keep_part(call, ACL, acl)))


@SERVICE.delete("/acls/{acl}")
def delete_acl(call: Call) -> Reply:
    return _drop(call, ACL, find(call, ACL, call["acl"]))


# routes


def _route_view(route: Object) -> Object:
    return {key: value for key, value in route.items() if key not in ("lb_id", "zone")}


def _route_match(call: Call) -> Object:
    match = call.body.get("match") or {}
    kinds = [kind for kind in ("sni", "host_header", "path_begin") if match.get(kind)]
    if len(kinds) != 1:
        raise errors.constraint("match", "one of sni, host_header and path_begin is expected")
    return {kinds[0]: match[kinds[0]], "match_subdomains": bool(match.get("match_subdomains"))}


@SERVICE.get("/routes")
def list_routes(call: Call) -> Object:
    routes = [route for route in call.cloud.store.iterate(ROUTE) if route["zone"] == call.zone]
    return plain_list(call, "routes", equal(call, routes, "frontend_id"), _route_view)


@SERVICE.post("/routes")
def create_route(call: Call) -> Object:
    call.need("frontend_id", "backend_id")
    frontend, backend = find(call, FRONTEND, call.body["frontend_id"]), find(call, BACKEND, call.body["backend_id"])
    if frontend["lb_id"] != backend["lb_id"]:
        raise errors.constraint("backend_id", "the backend belongs to another load balancer")
    place = {"lb_id": frontend["lb_id"], "zone": call.zone}
    parts = {"frontend_id": frontend["id"], "backend_id": backend["id"], "match": _route_match(call)}
    route = {"id": call.cloud.new_id(), **parts, **place}
    return written(_route_view(keep_part(call, ROUTE, route)))


@SERVICE.get("/routes/{route}")
def get_route(call: Call) -> Object:
    return _route_view(find(call, ROUTE, call["route"]))


@SERVICE.put("/routes/{route}")
def update_route(call: Call) -> Object:
    route = find(call, ROUTE, call["route"])
    call.need("backend_id")
    route |= {"backend_id": find(call, BACKEND, call.body["backend_id"])["id"], "match": _route_match(call)}
    return written(_route_view(keep_part(call, ROUTE, route)))


@SERVICE.delete("/routes/{route}")
def delete_route(call: Call) -> Reply:
    return _drop(call, ROUTE, find(call, ROUTE, call["route"]))
