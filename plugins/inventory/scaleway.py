# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
name: scaleway
short_description: Servers of Scaleway, from all zones at once
version_added: 0.1.0
description:
  - Reads the servers of all zones at the same time, and the private addresses of a region with one request.
  - The name of its file ends in C(scaleway.yml) or C(scaleway.yaml).
  - Every server has the variables C(scaleway_id), C(scaleway_name), C(scaleway_zone), C(scaleway_region),
    C(scaleway_state), C(scaleway_state_detail), C(scaleway_commercial_type), C(scaleway_tags), C(scaleway_public_ipv4),
    C(scaleway_public_ipv6), C(scaleway_private_ipv4), C(scaleway_private_ips) (by the private network's id),
    C(scaleway_image), C(scaleway_security_group), C(scaleway_placement_group), C(scaleway_project) and
    C(scaleway_creation_date).
  - C(ansible_host) is the public IPv4 address, or the private one of a server that has no public one.
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [ensemble.jitsi.scaleway]
  zones:
    description: Zones to look at; all of them where not given.
    type: list
    elements: str
    default: []
  tags:
    description: Only servers that have all of these tags.
    type: list
    elements: str
    default: []
  states:
    description: >-
      Only servers in one of these states; add V(stopped) for servers that are off. An empty list means any state.
    type: list
    elements: str
    default: [running]
  hostnames:
    description:
      - What hosts are called, in the order of preference; the first that a server has, and that no other host is
        called yet, is taken. The id is the last resort.
      - V(name), V(id), V(public_ipv4), V(public_ipv6), V(private_ipv4), or a Jinja2 expression over the variables of
        the host.
    type: list
    elements: str
    default: [name]
  role_tag:
    description: A server with the tag C(ROLE_TAG:VALUE) is in the group C(VALUE). An empty string makes no such groups.
    type: str
    default: ensemble-role
  private_addresses:
    description: Whether to ask for the private addresses of servers that are in private networks.
    type: bool
    default: true
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
seealso:
  - module: ensemble.jitsi.scaleway_server_info
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
# inventories/production/scaleway.yml: running servers of one platform, in groups after their roles
plugin: ensemble.jitsi.scaleway
tags: [ensemble:production]

---
# All servers of two zones, also those that are off, reached by their private addresses
plugin: ensemble.jitsi.scaleway
zones: [fr-par-1, fr-par-2]
states: []
hostnames:
  - scaleway_name ~ '.' ~ scaleway_zone
compose:
  ansible_host: scaleway_private_ipv4
keyed_groups:
  - {key: scaleway_commercial_type, prefix: type}
  - {key: scaleway_tags, prefix: tag}
groups:
  asleep: scaleway_state == 'stopped'

---
# A large fleet, remembered for five minutes
plugin: ensemble.jitsi.scaleway
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible-inventory
cache_timeout: 300
"""

from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils.client import Client
from ..module_utils.errors import ScalewayError
from ..module_utils.settings import ARGUMENTS, from_arguments

ZONES = (
    *(f"{region}-{number}" for region in ("fr-par", "nl-ams", "pl-waw") for number in (1, 2, 3)),
    "it-mil-1",
)
Variables = dict[str, Any]


def region_of(zone: str) -> str:
    return zone.rsplit("-", 1)[0]


def addresses(server: Variables, family: str) -> list[str]:
    return [ip["address"] for ip in server.get("public_ips") or [] if ip.get("family") == family and ip.get("address")]


def variables(server: Variables, private: dict[str, list[str]]) -> Variables:
    """The host variables of one server: plain data, whatever the API shows. `private` has addresses by NIC."""
    inside = {nic["private_network_id"]: private.get(nic["id"], []) for nic in server.get("private_nics") or []}
    private_ipv4 = [address for found in inside.values() for address in found if ":" not in address]
    values = {
        **{key: server.get(key) for key in ("id", "name", "zone", "state", "state_detail", "commercial_type")},
        **{key: server.get(key) for key in ("project", "creation_date", "tags")},
        **{key: (server.get(key) or {}).get("name") for key in ("image", "security_group", "placement_group")},
        "region": region_of(server["zone"]),
        "public_ipv4": next(iter(addresses(server, "inet")), None),
        "public_ipv6": next(iter(addresses(server, "inet6")), None),
        "private_ipv4": next(iter(private_ipv4), None),
        "private_ips": inside,
    }
    return {f"scaleway_{key}": value for key, value in values.items()}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "ensemble.jitsi.scaleway"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("scaleway.yml", "scaleway.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        key = self.get_cache_key(path)
        use_cache = cache and self.get_option("cache")
        hosts = None
        if use_cache:
            try:
                hosts = self._cache[key]
            except KeyError:
                hosts = None
        if hosts is None:
            try:
                hosts = self.fetch()
            except ScalewayError as error:
                raise AnsibleParserError(str(error)) from error
            if self.get_option("cache"):
                self._cache[key] = hosts
        for host in hosts:
            self.add(wrap_var(host))

    # --- reading

    def fetch(self) -> list[Variables]:
        """The variables of all servers that are wanted."""
        client = Client(from_arguments({name: self._text(name) for name in ARGUMENTS}))
        zones = self.get_option("zones") or ZONES
        found = [
            server for servers in client.each(lambda zone: self._servers(client, zone), zones) for server in servers
        ]
        private = self._private(client, found) if self.get_option("private_addresses") else {}
        hosts = [variables(server, private) for server in found]
        return sorted(hosts, key=lambda host: (host["scaleway_name"], host["scaleway_id"]))

    def _text(self, name: str) -> Any:
        """An account option; Jinja2 in it is rendered, so that a lookup can bring a secret."""
        value = self.get_option(name)
        return self.templar.template(value) if isinstance(value, str) and "{{" in value else value

    def _servers(self, client: Client, zone: str) -> list[Variables]:
        wanted, states = set(self.get_option("tags")), self.get_option("states")
        found = client.list(
            f"/instance/v1/zones/{zone}/servers",
            "servers",
            tags=",".join(sorted(wanted)) or None,
            state=states[0] if len(states) == 1 else None,
            project=client.settings.project_id or None,
        )
        return [each for each in found if wanted <= set(each["tags"]) and (not states or each["state"] in states)]

    def _private(self, client: Client, servers: list[Variables]) -> dict[str, list[str]]:
        regions = sorted({region_of(server["zone"]) for server in servers if server.get("private_nics")})

        def ask(region: str) -> list[Variables]:
            project = client.settings.project_id or None
            path = f"/ipam/v1/regions/{region}/ips"
            return client.list(path, "ips", resource_type="instance_private_nic", project_id=project)

        private: dict[str, list[str]] = {}
        for ip in (ip for ips in client.each(ask, regions) for ip in ips):
            private.setdefault((ip.get("resource") or {}).get("id") or "", []).append(ip["address"].split("/")[0])
        return private

    # --- telling

    def add(self, values: Variables) -> None:
        """One host. Its values come from outside, marked so that a template in a tag stays a text."""
        strict = self.get_option("strict")
        host = self.inventory.add_host(self._name(values))
        for name, value in values.items():
            self.inventory.set_variable(host, name, value)
        address = values["scaleway_public_ipv4"] or values["scaleway_private_ipv4"]
        if address:
            self.inventory.set_variable(host, "ansible_host", address)
        self._roles(host, values)
        self._set_composite_vars(self.get_option("compose"), values, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), values, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), values, host, strict=strict)

    def _name(self, values: Variables) -> str:
        for preference in self.get_option("hostnames"):
            key = f"scaleway_{preference}"
            name = values[key] if key in values else self._rendered(preference, values)
            if name and str(name) not in self.inventory.hosts:
                return str(name)
        return str(values["scaleway_id"])

    def _rendered(self, expression: str, values: Variables) -> Any:
        try:
            return self._compose(expression, values)
        except Exception as error:
            if self.get_option("strict"):
                raise AnsibleParserError(f"hostnames: {expression!r} cannot be rendered: {error}") from error
            return None

    def _roles(self, host: str, values: Variables) -> None:
        prefix = f"{self.get_option('role_tag')}:"
        for tag in values["scaleway_tags"] or []:
            if len(prefix) > 1 and tag.startswith(prefix) and len(tag) > len(prefix):
                group = self.inventory.add_group(self._sanitize_group_name(tag[len(prefix) :]))
                self.inventory.add_host(host, group=group)
