# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed databases: a PostgreSQL server each, in a container on a wire of its own that the ACLs filter."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from ensemble_lab.drivers.base import Api, DriverError, Object
from ensemble_lab.drivers.docker.firewall import Firewall
from ensemble_lab.drivers.docker.layout import Layout
from ensemble_lab.drivers.docker.network import Network
from ensemble_lab.drivers.docker.postgresql import (
    HBA,
    IDENT,
    OWNER,
    accounts,
    configuration,
    database_statements,
    grants,
    quoted,
)
from ensemble_lab.drivers.docker.private_networks import PrivateNetworks
from ensemble_lab.drivers.docker.records import Record, Records
from ensemble_lab.drivers.docker.shell import attempt, run, succeeds

SUITES = {"PostgreSQL-17": "trixie", "PostgreSQL-15": "bookworm"}
"""Engine -> the Debian release that has it."""
DATA = "/var/lib/postgresql/data"
PORT = 5432
_HOME = "/var/lib/postgresql"


class Databases:
    def __init__(self, layout: Layout, network: Network, private_networks: PrivateNetworks, firewall: Firewall):
        self._layout, self._network, self._firewall = layout, network, firewall
        self._private_networks = private_networks
        self._records = Records(layout.folder("databases"))
        self._dumps = layout.folder("dumps")
        self._api: Api

    def start(self, api: Api) -> None:
        self._api = api

    # an instance

    async def apply(self, instance: Object) -> None:
        """Container, server, users, databases and packets as desired; the first time from a source, if any."""
        known = self._records.get(instance["id"]) or {"users": [], "databases": []}
        self._records.put(instance["id"], {"filled": False, **known, "container": self._name(instance)})
        container = await self._container(instance)
        await self._configure(container, instance)
        await self._connect(container, instance)
        await self._accounts(container, instance, known)
        if instance["source"] and not known.get("filled"):
            await self._fill(container, instance)
        await self._grant(container, instance)
        names = {kind: [one["name"] for one in instance[kind]] for kind in ("users", "databases")}
        self._records.put(instance["id"], {"container": container, "filled": True, **names})

    async def delete(self, ident: str) -> None:
        record = self._records.get(ident)
        if record:
            await attempt("docker", "rm", "--force", record["container"])
            await attempt("docker", "volume", "rm", record["container"])
        await self._network.unplug(ident)
        await self._firewall.forget(self._network.wire_of(ident))
        self._records.drop(ident)

    async def destroy(self) -> None:
        for ident, _ in self._records.entries():
            await self.delete(ident)
        for dump in self._dumps.iterdir():
            shutil.rmtree(dump)

    async def restart(self, ident: str) -> None:
        await self._pg_ctl(self._of(ident), "restart")

    async def sizes(self, ident: str) -> dict[str, int]:
        if not self._records.get(ident):
            return {}
        rows = await self._sql(self._of(ident), "SELECT datname || ' ' || pg_database_size(oid) FROM pg_database;")
        pairs = (row.rpartition(" ") for row in rows.splitlines())
        return {name: int(size) for name, _, size in pairs}

    def _of(self, ident: str) -> str:
        record = self._records.get(ident)
        if not record:
            raise DriverError(f"there is no database instance {ident}")
        return str(record["container"])

    # the server

    def _name(self, instance: Object) -> str:
        return f"{self._layout.lab}-rdb-{instance['id'][:8]}"

    async def _container(self, instance: Object) -> str:
        """The running container of an instance; its data is in a volume of the same name."""
        name = self._name(instance)
        if not await succeeds("docker", "container", "inspect", name):
            image = await self._image(instance["engine"])
            await run("docker", "volume", "create", "--label", self._layout.label, name)
            await run(
                *("docker", "create", "--name", name, "--hostname", name, "--label", self._layout.label),
                *("--network", "none", "--init", "--volume", f"{name}:{_HOME}", image, "sleep", "infinity"),
            )
        if await run("docker", "inspect", "--format", "{{.State.Running}}", name) != "true":
            await run("docker", "start", name)
            await self._network.unplug(instance["id"])
            begin = f"install -d -o postgres /run/postgresql; rm -f {DATA}/postmaster.pid"
            await run("docker", "exec", name, "sh", "-ec", begin)
        if not await succeeds("docker", "exec", name, "test", "-s", f"{DATA}/PG_VERSION"):
            await run("docker", "exec", name, "chown", "postgres:", _HOME)
            await self._as_postgres(
                name, f"rm -rf {DATA}; $(ls -d /usr/lib/postgresql/*/bin)/initdb -D {DATA} -E UTF8 --locale=C.UTF-8"
            )
        return name

    async def _image(self, engine: str) -> str:
        """Debian's PostgreSQL, made once and kept as a cache."""
        if engine not in SUITES:
            raise DriverError(f"the docker driver has no {engine}; it has {', '.join(SUITES)}")
        recipe = ("--variant=minbase", "--dpkgopt=force-unsafe-io", "--include=postgresql", SUITES[engine])
        digest = hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]
        reference = f"ensemble-lab/{engine.lower()}:{digest}"
        if not await succeeds("docker", "image", "inspect", reference):
            archive = self._layout.cache / "machines" / f"{engine.lower()}-{digest}.tar"
            if not archive.exists():
                archive.parent.mkdir(parents=True, exist_ok=True)
                draft = archive.with_suffix(".new.tar")
                await run("mmdebstrap", *recipe, str(draft))
                draft.replace(archive)
            await run("docker", "import", str(archive), reference)
        return reference

    async def _configure(self, container: str, instance: Object) -> None:
        """Its files; the server starts, restarts or reads them again, as it takes to make them hold."""
        running = await succeeds("docker", "exec", "-u", "postgres", container, *_ctl("status"))
        changed = await self._file(container, "lab.conf", configuration(instance, DATA))
        files = {
            "server.crt": instance["certificate"]["pem"],
            "server.key": instance["key"],
            "pg_hba.conf": HBA,
            "pg_ident.conf": IDENT,
        }
        reread = [await self._file(container, name, text) for name, text in files.items()]
        include = "include_if_exists = 'lab.conf'"
        await self._as_postgres(
            container, f'cd {DATA}; grep -q "^include_if" postgresql.conf || echo "{include}" >> postgresql.conf'
        )
        if not running:
            await self._pg_ctl(container, "start")
        elif changed:
            await self._pg_ctl(container, "restart")
        elif any(reread):
            await self._pg_ctl(container, "reload")

    async def _file(self, container: str, name: str, text: str) -> bool:
        """Whether a file of the server was another one before."""
        path = f"{DATA}/{name}"
        _, before, _ = await attempt("docker", "exec", container, "cat", path)
        if before != text:
            await self._as_postgres(container, f"umask 077; cat > {path}", text)
        return before != text

    async def _pg_ctl(self, container: str, verb: str) -> None:
        log = ["-l", f"{_HOME}/log"] if verb in ("start", "restart") else []
        if not await succeeds("docker", "exec", "-u", "postgres", container, *_ctl(verb, *log)):
            _, told, _ = await attempt("docker", "exec", container, "tail", "-n", "5", f"{_HOME}/log")
            raise DriverError(f"PostgreSQL does not {verb}: {told}")

    async def _as_postgres(self, container: str, command: str, stdin: str = "") -> str:
        return await run("docker", "exec", "-i", "-u", "postgres", container, "sh", "-ec", command, stdin=stdin)

    async def _sql(self, container: str, text: str, database: str = "postgres") -> str:
        """Run statements, each on its own or (several) in one transaction."""
        psql = ("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database)
        return await run("docker", "exec", "-i", "-u", "postgres", container, *psql, stdin=text)

    # what is in it

    async def _accounts(self, container: str, instance: Object, known: Record) -> None:
        roles = set((await self._sql(container, "SELECT rolname FROM pg_roles;")).splitlines())
        names = set((await self._sql(container, "SELECT datname FROM pg_database;")).splitlines())
        gone = {
            kind: [one for one in known[kind] if one not in {each["name"] for each in instance[kind]}]
            for kind in ("users", "databases")
        }
        for database in [one for one in known["databases"] if one in names and one not in gone["databases"]]:
            for user in gone["users"]:
                give = f"REASSIGN OWNED BY {quoted(user)} TO {OWNER}; DROP OWNED BY "
                await self._sql(container, f"{give}{quoted(user)};" if user in roles else "", database)
        await self._sql(container, accounts(instance, roles))
        for statement in database_statements(instance, names, gone["databases"]):
            await self._sql(container, statement)
        for user in gone["users"]:
            await self._sql(container, f"DROP ROLE IF EXISTS {quoted(user)};")

    async def _grant(self, container: str, instance: Object) -> None:
        for database in instance["databases"]:
            await self._sql(container, grants(instance, database["name"]), database["name"])

    async def _fill(self, container: str, instance: Object) -> None:
        """What another instance holds, or a snapshot of one."""
        source = instance["source"]
        kept = source.get("dump") or f"copy-{instance['id']}"
        if "dump" not in source:
            await self.dump(source["instance"], kept, None)
        for dump in sorted((self._dumps / kept).glob("*.dump")):
            await self._load(container, dump, dump.stem)
        if "dump" not in source:
            self.forget_dump(kept)

    async def dump(self, ident: str, kept: str, database: str | None) -> int:
        container, record = self._of(ident), self._records.get(ident) or {}
        folder = self._dumps / kept
        folder.mkdir(exist_ok=True)
        for name in [database] if database else record["databases"]:
            await self._as_postgres(container, f'pg_dump -Fc -f {_HOME}/out "$(cat)"', name)
            await run("docker", "cp", f"{container}:{_HOME}/out", str(folder / f"{name}.dump"))
        return sum(file.stat().st_size for file in folder.iterdir())

    def forget_dump(self, kept: str) -> None:
        shutil.rmtree(self._dumps / kept, ignore_errors=True)

    async def restore(self, ident: str, kept: str, database: str) -> None:
        dump = next(iter((self._dumps / kept).glob("*.dump")), None)
        if dump is None:
            raise DriverError(f"there is no backup {kept}")
        await self._load(self._of(ident), dump, database)

    async def _load(self, container: str, dump: Path, database: str) -> None:
        """Replace a database. What belongs to roles that are not there becomes the cloud's own."""
        await run("docker", "cp", str(dump), f"{container}:{_HOME}/in")
        await run("docker", "exec", container, "chown", "postgres:", f"{_HOME}/in")
        await self._sql(container, f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE);")
        await self._sql(container, f"CREATE DATABASE {quoted(database)} OWNER {OWNER};")
        command = ("docker", "exec", "-u", "postgres", container, "pg_restore", "-d", database, f"{_HOME}/in")
        status, _, errors = await attempt(*command)
        if status and "role" not in errors:
            raise DriverError(f"{dump.name} cannot be restored: {errors[-1000:]}")

    # packets

    async def _connect(self, container: str, instance: Object) -> None:
        """Public endpoints on a wire that only the ACLs open, each port led to the server's; private ones beside."""
        ident = instance["id"]
        public = [one for one in instance["endpoints"] if "load_balancer" in one]
        addresses = [one["ip"] for one in public]
        wire = self._network.wire_of(ident)
        pid = int(await run("docker", "inspect", "--format", "{{.State.Pid}}", container))
        await self._firewall.apply(wire, addresses, _filter(instance, [one["port"] for one in public]))
        if self._network.plugged(ident):
            await self._network.readdress(ident, pid, addresses)
        else:
            digits = ident.replace("-", "")
            await self._network.plug(ident, pid, f"de:00:00:{digits[:2]}:{digits[2:4]}:{digits[4:6]}", addresses)
        ports = "\n".join(f"tcp dport {one['port']} redirect to :{PORT}" for one in public)
        chain = f"chain ports {{ type nat hook prerouting priority dstnat; {ports}\n }}"
        table = "table ip ensemble_rdb"
        text = f"{table}\ndelete {table}\n{table} {{\n{chain}\n}}\n"
        await run("nsenter", "-t", str(pid), "-n", "nft", "-f", "-", stdin=text)
        await self._private_networks.plug(pid, self._nics(instance))

    def _nics(self, instance: Object) -> list[Object]:
        booked = {(ip["private_network_id"], ip["address"].partition("/")[0]): ip for ip in self._api.list("ipam_ip")}
        nics = []
        for endpoint in instance["endpoints"]:
            network = endpoint.get("private_network")
            ip = booked.get((network["private_network_id"], endpoint["ip"])) if network else None
            if network and ip:
                mac = (ip["resource"] or {}).get("mac_address") or "02:00:00:00:00:01"
                place = {"private_network_id": network["private_network_id"], "ipam_ip_ids": [ip["id"]]}
                nics.append({"id": endpoint["id"], "mac_address": mac, **place})
        return nics


def _filter(instance: Object, ports: list[int]) -> Record:
    rules = [
        {
            "action": "accept",
            "direction": "inbound",
            "protocol": "TCP",
            "ip_range": acl["ip"],
            "dest_port_from": port,
            "dest_port_to": port,
        }
        for acl in instance["acls"]
        for port in ports
    ]
    return {"stateful": True, "inbound": "drop", "outbound": "accept", "rules": rules}


def _ctl(verb: str, *more: str) -> tuple[str, ...]:
    """pg_ctl, wherever Debian keeps that of the one version that there is."""
    options = " ".join(("-D", DATA, "-w" if verb in ("start", "restart") else "-s", *more))
    return ("sh", "-c", f"exec $(ls -d /usr/lib/postgresql/*/bin)/pg_ctl {options} {verb} < /dev/null > /dev/null")
