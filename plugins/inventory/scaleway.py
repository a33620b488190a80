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
  - C(ansible_host) is the public address, preferably IPv4, or the private address of a server without a public one.
  - A cache entry is for one account, project and set of filters; an incomplete inventory is not cached.
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [ensemble.jitsi.scaleway]
  zones:
    description: Zones to read; defaults to all. May contain templates.
    type: list
    elements: str
    default: []
  tags:
    description: Only servers that have all of these tags. May contain templates.
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
      - Names for hosts, in order of preference; each server uses the first one that it has and no other server has.
      - If several servers have the same name, none of them gets it. Without a further preference, each is named
        C(NAME.ZONE), with a warning; the id is the last resort.
      - V(name), V(id), V(public_ipv4), V(public_ipv6), V(private_ipv4), or a Jinja2 expression over the variables of
        the host.
    type: list
    elements: str
    default: [name]
  role_tag:
    description: A server with the tag C(ROLE_TAG:VALUE) is in the group C(VALUE). An empty string disables these
      groups.
    type: str
    default: ensemble-role
  on_zone_error:
    description:
      - What happens when a zone (or the private addresses of a region) cannot be read. V(fail) returns no inventory;
        Ansible then fails if C(any_unparsed_is_failed) is set, as it should be, and warns otherwise.
      - V(warn) continues without it and warns.
    type: str
    choices: [fail, warn]
    default: fail
    version_added: 0.2.0
  private_addresses:
    description: Whether to read the private addresses of servers in private networks.
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

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ..module_utils.client import Client
from ..module_utils.errors import Invalid, ScalewayError
from ..module_utils.fields import tag_query
from ..module_utils.settings import ARGUMENTS, from_arguments
from ..plugin_utils.hosts import Variables, is_template, marked, reached_at, region_of, unique_names, variables

ZONES = (
    *(f"{region}-{number}" for region in ("fr-par", "nl-ams", "pl-waw") for number in (1, 2, 3)),
    "it-mil-1",
)
STATES = ("running", "stopped", "stopped in place", "starting", "stopping", "locked")
ZONE = re.compile(r"[a-z]{2}-[a-z]{3}-\d")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "ensemble.jitsi.scaleway"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("scaleway.yml", "scaleway.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        self._incomplete = False
        try:
            self._settings = from_arguments({name: self._rendered_option(name) for name in ARGUMENTS})
            self.display.vvv(f"{self.NAME}: {self._settings.told()}")
            self._asked = {name: self._texts(name) for name in ("zones", "tags", "states")}
            self._check()
            hosts = self._cached(self.get_cache_key(path) + self._identity(), cache)
        except ScalewayError as error:
            raise AnsibleParserError(str(error)) from error
        self._tell(hosts)

    def _cached(self, key: str, cache: bool) -> list[Variables]:
        if cache and self.get_option("cache"):
            try:
                return self._cache[key]
            except KeyError:
                pass
        hosts = self.fetch()
        if self.get_option("cache") and not self._incomplete:
            self._cache[key] = hosts
        return hosts

    def _identity(self) -> str:
        """Return the part of the cache key for the account and the rendered options."""
        account = (self._settings.api_url, self._settings.secret_key, self._settings.project_id)
        asked = json.dumps([*account, self._asked, self.get_option("private_addresses")], sort_keys=True)
        return "_" + hashlib.sha256(asked.encode()).hexdigest()[:16]

    def _check(self) -> None:
        tag_query(self._asked["tags"])
        for state in self._asked["states"]:
            if state not in STATES:
                raise Invalid(f"states: {state!r} is not a state of a server: {', '.join(STATES)}.")
        for zone in self._asked["zones"]:
            if not ZONE.fullmatch(zone):
                raise Invalid(f"zones: {zone!r} is not a zone such as {ZONES[0]}.")

    # --- options

    def _rendered_option(self, name: str) -> Any:
        """An option; Jinja2 in it is rendered, so that a lookup can bring a secret or a name."""
        return self._rendered(self.get_option(name))

    def _rendered(self, value: Any) -> Any:
        return self.templar.template(value) if isinstance(value, str) and "{{" in value else value

    def _texts(self, name: str) -> list[str]:
        """A list option; what renders to a list is part of it, what renders to nothing is an error."""
        texts: list[str] = []
        for given in self.get_option(name):
            value = self._rendered(given)
            texts += value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) and text for text in texts):
            raise Invalid(f"{name}: {texts} contains a non-text value, perhaps because a variable is undefined.")
        return texts

    # --- reading

    def fetch(self) -> list[Variables]:
        """The variables of all servers that are wanted."""
        client = Client(self._settings)
        zones = self._asked["zones"] or ZONES
        listed = client.outcomes(lambda zone: self._servers(client, zone), zones)
        found = [server for servers in self._answered(zones, listed) for server in servers]
        private = self._private(client, found) if self.get_option("private_addresses") else {}
        hosts = [variables(server, private) for server in found]
        return sorted(hosts, key=lambda host: (host["scaleway_name"], host["scaleway_id"]))

    def _answered(self, places: Sequence[str], outcomes: Sequence[Any]) -> list[Any]:
        """The answers of all places; a failure ends the inventory, or is a warning, as on_zone_error says."""
        answers = []
        for place, outcome in zip(places, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                answers.append(outcome)
            elif isinstance(outcome, ScalewayError) and self.get_option("on_zone_error") == "warn":
                self._incomplete = True
                self.display.warning(f"The inventory is incomplete: {place} could not be read: {outcome}")
            else:
                raise outcome
        return answers

    def _servers(self, client: Client, zone: str) -> list[Variables]:
        desired, states = set(self._asked["tags"]), self._asked["states"]
        found = client.list(
            f"/instance/v1/zones/{zone}/servers",
            "servers",
            tags=tag_query(desired),
            state=states[0] if len(states) == 1 else None,
            project=client.settings.project_id or None,
        )
        return [each for each in found if desired <= set(each["tags"]) and (not states or each["state"] in states)]

    def _private(self, client: Client, servers: list[Variables]) -> dict[str, list[str]]:
        regions = sorted({region_of(server["zone"]) for server in servers if server.get("private_nics")})

        def ask(region: str) -> list[Variables]:
            project = client.settings.project_id or None
            path = f"/ipam/v1/regions/{region}/ips"
            return client.list(path, "ips", resource_type="instance_private_nic", project_id=project)

        private: dict[str, list[str]] = {}
        for ip in (ip for ips in self._answered(regions, client.outcomes(ask, regions)) for ip in ips):
            private.setdefault((ip.get("resource") or {}).get("id") or "", []).append(ip["address"].split("/")[0])
        return private

    # --- telling

    def _tell(self, hosts: list[Variables]) -> None:
        """Add all hosts to the inventory, each with a unique name."""
        shown = [marked(host) for host in hosts]
        idents = {host["scaleway_id"] for host in hosts}
        taken = {
            name
            for name, host in self.inventory.hosts.items()
            if "scaleway_id" in host.vars and host.vars["scaleway_id"] not in idents
        }
        candidates = [self._candidates(host) for host in shown]
        for values, desired, name in zip(shown, candidates, unique_names(candidates, hosts, taken), strict=True):
            if desired and name != desired[0]:
                self.display.warning(
                    f"Server {values['scaleway_id']} is not the only one named {desired[0]}: its host name is {name}."
                )
            self._add(name, values)

    def _add(self, name: str, values: Variables) -> None:
        """One host. Texts in its values that look like templates are marked, so that they stay texts."""
        strict = self.get_option("strict")
        host = self.inventory.add_host(name)
        for key, value in values.items():
            self.inventory.set_variable(host, key, value)
        address = reached_at(values)
        if address:
            self.inventory.set_variable(host, "ansible_host", address)
        self._roles(host, values)
        self._set_composite_vars(self.get_option("compose"), values, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), values, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), values, host, strict=strict)

    def _candidates(self, values: Variables) -> list[str]:
        """Return the possible names of a host, in order of preference."""
        names = []
        for preference in self.get_option("hostnames"):
            key = f"scaleway_{preference}"
            name = values[key] if key in values else self._expression(preference, values)
            if name and not is_template(str(name)):
                names.append(str(name))
        return names

    def _expression(self, expression: str, values: Variables) -> Any:
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
