# SPDX-License-Identifier: GPL-3.0-or-later
"""What a driver does for the API: it makes real what the API's objects describe.

The API layer owns every object (plain dicts, shaped as the Scaleway API shows them, kept in the store) and its state
machine: it writes the transient state, awaits one driver call in a background job, and writes the final state when
the call returns, or the failed one when it raises :class:`DriverError`. Durations are the driver's business: `null`
sleeps the recorded time, `docker` takes what the work takes. Drivers never write to the store; what they learn they
return.

Calls that share an object (a server and its volumes, a snapshot and what is made of it) never run at the same time.

Every call may be repeated for an object that already is as asked (after a crash the API repeats what was under way).
"""

from __future__ import annotations

from typing import Any, Protocol

Object = dict[str, Any]


class DriverError(Exception):
    """The work could not be done; the message says what and why, for the lab's log and the object's state."""


class Api(Protocol):
    """What a driver may ask the API layer for (handed to :meth:`Driver.start`)."""

    def get(self, kind: str, ident: str) -> Object | None:
        """One object by kind and id; servers as GET shows them, others as the store holds them.

        Kinds: instance_server, instance_volume, instance_snapshot, instance_image, instance_ip, instance_private_nic,
        instance_security_group, instance_security_group_rule, block_volume, block_snapshot, private_network, ipam_ip,
        lb, lb_ip, lb_frontend, lb_backend, lb_certificate, lb_acl, lb_route, dns_zone, dns_record, ssh_key,
        registry_namespace ...
        """

    def list(self, kind: str) -> list[Object]:
        """All objects of one kind, oldest first."""

    def server_conf(self, server: Object) -> Object:
        """The metadata document (``/conf?format=json``) of a server."""

    def user_data(self, server_id: str) -> dict[str, bytes]:
        """The user data of a server, by key."""

    async def guest_set_user_data(self, server_id: str, key: str, value: bytes | None) -> None:
        """The guest writes (None: deletes) a user data key through the metadata service."""

    async def guest_reports(self, server_id: str, event: str) -> None:
        """Something happened in the guest: ``booted``, or ``powered-off`` (it shut itself down)."""

    def check_registry_login(self, user: str, password: str) -> bool:
        """Whether a registry login is right (any user name, the secret key of an API key as password)."""

    def registry_actions(self, namespace: str, password: str | None) -> frozenset[str]:
        """What this password (that is right; None: none was given) allows in a registry namespace."""

    async def registry_pushed(self, namespace: str, image: str, tag: str, digest: str, size: int) -> None:
        """An image arrived in the registry."""


class Driver(Protocol):
    """One way to make the cloud real. All methods are coroutines on the lab's event loop; slow work goes to threads."""

    name: str

    async def start(self, api: Api) -> None:
        """Bring up what all servers need (network, metadata, DNS of the guests, registry) and take over what an
        earlier run left. Zones and load balancers are applied anew by the API after this."""

    async def stop(self) -> None:
        """Stop the lab's own helpers; servers keep running (a restart takes them over again)."""

    async def destroy(self) -> None:
        """Remove everything this driver ever made on the machine."""

    def info(self) -> Object:
        """What a user needs to know: ``{"driver", "gateway", "dns", "registry", "ca_file", ...}``."""

    # addresses: how public IPs come to be
    def allocate_address(self, family: str) -> str:
        """A free public address (``inet``: ``10.86.3.7``; ``inet6``: a /64 prefix)."""

    # servers. `server` is the API's own view: id, name, volumes, public_ips, security_group, commercial_type, image ...
    async def server_create(self, server: Object, root: Object | None) -> None:
        """Prepare a stopped server; `root` is its root volume (its content is made by :meth:`volume_create`)."""

    async def server_poweron(self, server: Object) -> None:
        """Boot it from its volumes with the addresses of ``public_ips``; return when it runs, not when it has booted
        (that comes as :meth:`Api.guest_reports`). Its ``state`` is the one it had before, here and in poweroff."""

    async def server_poweroff(self, server: Object) -> None:
        """Shut it down in an orderly way; disks stay."""

    async def server_stop_in_place(self, server: Object) -> None:
        """Shut it down but keep its place and addresses."""

    async def server_reboot(self, server: Object) -> None:
        """Restart it on the same disks."""

    async def server_delete(self, server: Object, terminate: bool = False) -> None:
        """Remove the machine (running or not); volumes are deleted by the API one by one with :meth:`volume_delete`."""

    async def server_update(self, server: Object) -> None:
        """Name, addresses, volumes or security group of an existing server changed: make the machine agree."""

    async def server_load(self, server: Object) -> Object | None:
        """Current load for the status page: ``{"cpu": 0..1, "memory": bytes}``; None where the driver knows nothing."""

    # disks. `volume` has id, size, volume_type; exactly one of source snapshot/image label may be given
    async def volume_create(
        self, volume: Object, snapshot: Object | None = None, image_label: str | None = None
    ) -> None:
        """Make a volume: empty, from a snapshot, or a root from a marketplace image (by label).

        Volumes and snapshots of both APIs have ``volume_type`` here: l_ssd, scratch, sbs_volume, sbs_snapshot.
        """

    async def volume_resize(self, volume: Object) -> None: ...

    async def volume_delete(self, volume: Object) -> None: ...

    async def snapshot_create(self, snapshot: Object, volume: Object, server: Object | None) -> None:
        """Freeze everything on a volume (of a server, if attached; it may be running)."""

    async def snapshot_delete(self, snapshot: Object) -> None: ...

    # packets
    async def security_group_apply(self, group: Object, rules: list[Object], servers: list[Object]) -> None:
        """Make the rules hold on these servers, and on all that start with this group later (or join it: that comes as
        :meth:`server_update`). Rules are in the API's form, in order of position."""

    # load balancers
    async def lb_apply(
        self,
        lb: Object,
        frontends: list[Object],
        backends: list[Object],
        certificates: list[Object],
        acls: list[Object],
        routes: list[Object],
    ) -> None:
        """Make a load balancer (first call: create it) as these objects say.

        `lb` has its addresses in ``ip[].ip_address``; parts refer to each other by ``backend_id``, ``frontend_id`` and
        ``certificate_ids``; a certificate has its key, certificate and chain in ``pem`` (None while pending).
        """

    async def lb_delete(self, lb: Object) -> None: ...

    async def lb_stats(self, lb: Object) -> list[Object]:
        """Health of each backend server, in the form of ``backend-stats``: ``{"backend_id", "ip", "server_state"
        (stopped|starting|running|stopping), "last_health_check_status" (passed|failed|unknown|neutral...)}``."""

    # managed databases. `instance` is as the store holds it: engine, settings, acls, certificate, key, endpoints ...
    async def database_apply(self, instance: Object, quick: bool) -> None:
        """Make an instance as it says (first call: create it, from what `source` names), with its ``databases``,
        ``users`` (with a SCRAM verifier) and ``privileges``; all that is not named goes. `quick`: only its parts
        changed."""

    async def database_delete(self, instance: Object) -> None: ...

    async def database_restart(self, instance: Object) -> None: ...

    async def database_sizes(self, instance: Object) -> dict[str, int]:
        """Bytes that each of its databases takes."""

    async def database_dump(self, instance: Object, ident: str, database: str | None) -> int:
        """Keep all of a database (None: of the instance) under a name; returns how many bytes that takes."""

    async def database_restore(self, instance: Object, ident: str, database: str) -> None:
        """Replace a database by what was kept."""

    async def database_dump_delete(self, ident: str) -> None: ...

    async def database_replica(self, instance: Object, replica: Object) -> None:
        """Make a read replica as it says."""

    async def database_replica_delete(self, replica: Object) -> None: ...

    # names and registry
    async def zone_apply(self, zone: str, records: list[Object]) -> None:
        """The records of a zone changed (all records of the zone are given)."""

    async def zone_delete(self, zone: str) -> None: ...

    async def namespace_delete(self, namespace: Object) -> None:
        """Drop a registry namespace's images."""
