# SPDX-License-Identifier: GPL-3.0-or-later
"""Which permission sets let a key do what: one table, from the paths of requests to the names of sets."""

from __future__ import annotations

import re
from typing import NamedTuple

READ, WRITE = "read", "write"
PROJECTS, ORGANIZATION = "projects", "organization"


class Area(NamedTuple):
    """A part of the API that is granted as a whole."""

    path: str
    """A regular expression, found at the beginning of a path without its zone or region."""
    reading: tuple[str, ...]
    writing: tuple[str, ...]
    scope: str = PROJECTS


def _product(path: str, *names: str) -> Area:
    """A product whose sets are called as most are."""
    full = tuple(f"{name}FullAccess" for name in names)
    reading = tuple(f"{name}ReadOnly" for name in names)
    return Area(
        path, (*reading, *full, "AllProductsReadOnly", "AllProductsFullAccess"), (*full, "AllProductsFullAccess")
    )


def _management(path: str, name: str) -> Area:
    """What belongs to the organisation and not to a project."""
    manager = (f"{name}Manager", "OrganizationManager")
    return Area(path, (f"{name}ReadOnly", *manager, "OrganizationReadOnly"), manager, ORGANIZATION)


_SECRET_VALUES = ("SecretManagerSecretAccess", "SecretManagerFullAccess", "AllProductsFullAccess")
AREAS = (  # the first one that fits
    _product("/instance/[^/]+/.*private_nics", "Instances", "PrivateNetworks"),
    _product("/instance/", "Instances"),
    _product("/block/", "BlockStorage"),
    _product("/lb/", "LoadBalancers"),
    _product("/domain/", "DomainsDNS"),
    _product("/registry/", "ContainerRegistry"),
    _product("/ipam/", "IPAM"),
    _product("/vpc/[^/]+/(private-networks|subnets)", "PrivateNetworks", "VPC"),
    _product("/vpc/", "VPC"),
    _product("/rdb/", "RelationalDatabases"),
    _product("/cockpit/", "Observability"),
    Area("/secret-manager/.*/access$", _SECRET_VALUES, _SECRET_VALUES),
    _product("/secret-manager/", "SecretManager"),
    _product("/iam/[^/]+/ssh-keys", "SSHKeys"),
    _management("/iam/", "IAM"),
    _management("/account/", "Project"),
)
_OTHER_PRODUCTS = (  # that the lab has not, so that policies can name them
    "AppleSilicon AutoscalingProducts BareMetal Billing ClickHouse Containers DataWarehouse Dedibox EdgeServices "
    "ElasticMetal Environment FileStorage Functions GenerativeApis InferenceServices InterLink IoT "
    "Kubernetes MessagingAndQueuing MongoDB NATS ObjectStorage OpenSearch QaaS Redis S2SVPN SNS SQS "
    "ServerlessJobs ServerlessSQLDatabase TransactionalEmail VPCGateway WebHosting"
)
_SINGLE = (
    "AuditTrailReadOnly AuditTrailFullAccess KeyManagerReadOnly KeyManagerFullAccess ObjectStorageBucketsRead "
    "ObjectStorageBucketsWrite ObjectStorageBucketsDelete ObjectStorageObjectsRead ObjectStorageObjectsWrite "
    "ObjectStorageObjectsDelete SecretManagerSecretCreate SecretManagerSecretWrite SecretManagerSecretDelete "
    "SecretManagerSecretAccess"
)
_PLACE = re.compile(r"/(?:zones|regions)/[^/]+")
_WORD = re.compile(r"^/[^/]+/[^/]+/([a-z_-]+)")


def _known_sets() -> dict[str, str]:
    sets = {name: area.scope for area in AREAS for name in (*area.reading, *area.writing)}
    others = [f"{product}{kind}" for product in _OTHER_PRODUCTS.split() for kind in ("ReadOnly", "FullAccess")]
    return dict(sorted({**dict.fromkeys([*others, *_SINGLE.split()], PROJECTS), **sets}.items()))


SETS = _known_sets()
"""Every permission set by name, with the type of its scope."""


def action_of(method: str) -> str:
    return READ if method in ("GET", "HEAD") else WRITE


def sets_for(method: str, path: str) -> tuple[str, ...]:
    """The permission sets of which a request needs one; none: nobody but the owner may."""
    short = _PLACE.sub("", path, count=1)
    area = next((area for area in AREAS if re.match(area.path, short)), None)
    if area is None:
        return ()
    return area.reading if action_of(method) == READ else area.writing


def resource_of(path: str) -> str:
    """The word for what a path is about: ``/instance/v1/zones/fr-par-1/servers/ID`` -> ``server``."""
    found = _WORD.match(_PLACE.sub("", path, count=1))
    word = found[1].replace("-", "_") if found else "resource"
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")
