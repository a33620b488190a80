#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_fleet
short_description: Manage many identical servers at once
version_added: 0.1.0
description:
  - Manages a fleet of up to a thousand servers C(PREFIX-NUMBER) from one template in one task.
  - Lists the servers once, plans, and applies the plan with many parallel requests; in check mode it returns the plan
    with its cost.
  - A server that fails does not stop the others. The task then fails at the end, reports which servers failed and why,
    and the next run continues.
  - Removes and changes only servers that carry its own tag V(ensemble-fleet:PREFIX).
options:
  prefix:
    description: Beginning of the servers' names, and the name of the fleet.
    type: str
    required: true
  count:
    description: >-
      Number of servers (at most 1000), numbered from 1. O(state=present) requires O(count) or O(numbers).
    type: int
  numbers:
    description: Exactly these numbers, instead of O(count). Servers of the fleet with other numbers are removed.
    type: list
    elements: int
  state:
    description:
      - Whether the fleet exists; V(absent) removes all of its servers, whatever O(max_change) says.
      - V(published) updates only the DNS records (O(dns)) to the addresses of the existing servers. Nothing else is
        created, changed or removed.
      - V(configured) applies the options of the task to existing servers, all or those in O(numbers), in place and
        whether they run or not. No server is created, started, replaced or removed, and DNS records do not change.
    type: str
    choices: [present, absent, published, configured]
    default: present
  max_change:
    description: >-
      Percentage of the existing servers that one run may remove or replace; DNS records that are removed although no
      server is removed count, too. A plan that exceeds it fails before anything is changed.
    type: int
    default: 50
  recreate:
    description:
      - Whether servers are replaced if they have another image, or need another type or disk.
      - Otherwise they are kept and returned as RV(outdated).
    type: bool
    default: false
  commercial_type:
    description: Server type, such as V(DEV1-L).
    type: str
  image:
    description: >-
      Id of an image, label of the marketplace, or name of an image of the project. A refreshed marketplace image
      replaces nothing.
    type: str
  volumes:
    description:
      - Disks of each server, as in O(ensemble.jitsi.scaleway_server#module:volumes), except existing volumes.
      - A server whose system's disk is of another kind counts as RV(outdated).
    type: dict
  tags:
    description:
      - Tags of the servers. Other tags of a server are kept.
      - If not set, servers keep the tags from earlier tasks; V([]) removes these.
    type: list
    elements: str
  security_group:
    description: Name or id of the security group.
    type: str
  dynamic_ip_required:
    description: Whether servers get a public address for as long as they run. New ones do where they are not told.
    type: bool
  private_networks:
    description: Names or ids of the private networks that the servers are in.
    type: list
    elements: str
  private_network_size:
    description:
      - Puts each server into one of the O(private_networks) instead of all of them, by its number. Servers 1 to this
        number are in the first network, as many more in the second, and so on.
      - A tag C(ensemble-network:NAME) tells which one; a server that joins a network gets it when it is there.
    type: int
  protected:
    description: Whether the API refuses to delete the servers.
    type: bool
  boot_type:
    description: Where the next start boots from.
    type: str
    choices: [local, rescue]
  user_data:
    description:
      - Texts that the servers can read from their metadata service, by key. They are set before the first boot.
      - A tag with a salted digest identifies a server's user data, so that an unchanged fleet needs no request per
        server.
      - If not set, servers keep their user data.
      - An empty text is an error, because a lookup may have found nothing; O(absent_user_data) removes keys.
      - Diffs and verbose output show no private key, and no value in a line or under a key whose name looks secret,
        such as C(JWT_APP_SECRET=...); values shorter than 6 characters are hidden in diffs only.
    type: dict
  secret_user_data:
    description: Further O(user_data) that is never shown.
    type: dict
  absent_user_data:
    description: Keys of user data to remove.
    type: list
    elements: str
  placement_groups:
    description:
      - Puts new servers into placement groups C(PREFIX-group-1) and so on, as many as needed, each filled before the
        next is created. The policy also applies to existing groups.
      - Empty groups are removed.
    type: dict
    suboptions:
      policy_type:
        description: Whether to keep the servers of a group apart or close together.
        type: str
        choices: [max_availability, low_latency]
        default: max_availability
      policy_mode:
        description: With V(enforced) a server that cannot be placed so does not start.
        type: str
        choices: [optional, enforced]
        default: optional
      size:
        description: Servers in a group, 1 to 20.
        type: int
        default: 20
  dns:
    description:
      - Creates an address record for every server in a DNS zone, and removes records C(PREFIX-NUMBER) of servers that
        no longer exist. If not set, the task does not touch DNS.
      - A name belongs to the server that it points to. The record's comment names the fleet, its zone and its owner;
        records of other owners are neither changed nor removed, and a desired name that points elsewhere is an error.
    type: dict
    suboptions:
      zone:
        description: The DNS zone, which must exist.
        type: str
        required: true
      ttl:
        description: Seconds that resolvers may cache the records.
        type: int
        default: 300
  reserved_ips:
    description:
      - Give every server a reserved address, tagged C(name:PREFIX-NUMBER), that survives power cycles and replacement.
        On running servers it replaces the dynamic address in place. It is released when its server is removed.
      - Scaleway limits the reserved addresses of an organization to a few dozen; ask for a higher quota.
      - If this is turned off later, servers keep their reserved addresses until they are removed.
    type: bool
    default: false
  reserved_ips_quota:
    description: >-
      How many reserved addresses the project may have in the zone. A plan that exceeds it fails before anything is
      changed. The API does not report the limit before it is reached.
    type: int
  twins:
    description:
      - What to do about servers of the fleet with the same name, for example created by hand. Duplicates that two
        parallel runs create are always resolved.
      - V(fail) reports their ids, V(keep_elder) removes all but the oldest; these removals count in O(max_change).
    type: str
    choices: [fail, keep_elder]
    default: fail
  keep_volumes:
    description: Whether the disks of removed servers stay.
    type: bool
    default: false
  concurrency:
    description: Number of servers to change in parallel.
    type: int
    default: 16
  wait:
    description: Wait until started servers run.
    type: bool
    default: true
  wait_for:
    description: Whether to wait until servers are V(running), or V(booted), which means that the system has reported
      its boot.
    type: str
    choices: [running, booted]
    default: running
  wait_timeout:
    description: Seconds to wait for servers to run, and for servers to be gone.
    type: int
    default: 600
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
seealso:
  - module: ensemble.jitsi.scaleway_server
  - module: ensemble.jitsi.scaleway_dns_record
  - module: ensemble.jitsi.scaleway_server_type_info
  - plugin: ensemble.jitsi.scaleway
    plugin_type: inventory
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A hundred Jitsi servers in different hypervisors
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    count: 100
    commercial_type: DEV1-L
    image: jitsi-2026-11
    security_group: jitsi
    tags: [jitsi]
    placement_groups: {policy_type: max_availability}
    dns: {zone: example.org}
    user_data:
      jitsi-env: "DOMAIN=example.org"
    secret_user_data:
      tls-private-key: "{{ private_key }}"
  register: fleet

- name: What would it cost to have twenty more? (run with --check)
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    count: 120
    commercial_type: DEV1-L
    image: jitsi-2026-11
  check_mode: true
  register: plan

- name: A new image for all of them at once, in a maintenance window
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    count: 100
    commercial_type: DEV1-L
    image: jitsi-2026-12
    recreate: true
    max_change: 100

- name: All but one that misbehaves
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    numbers: "{{ range(1, 101) | difference([7]) }}"
    commercial_type: DEV1-L
    image: jitsi-2026-12

- name: Another certificate for the first two, which go on serving
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    numbers: [1, 2]
    state: configured
    secret_user_data:
      tls-private-key: "{{ private_key }}"

- name: No more servers
  ensemble.jitsi.scaleway_fleet:
    prefix: h
    state: absent
"""

RETURN = r"""
servers:
  description: >-
    The servers of the fleet as they are, by number, each as M(ensemble.jitsi.scaleway_server) returns it. In check
    mode those that exist.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: 2e6e8a40-6b5d-4f0d-9a6c-6a9b1f2b9c1e, name: h-1, state: running, public_address: 51.15.208.130}
plan:
  description: >-
    Names of the servers by action (in check mode, by planned action), and the cost of the desired servers without
    disks and addresses; the cost is null if nothing changes and check mode is off.
  returned: always
  type: dict
  sample:
    created: [h-2]
    updated: []
    replaced: []
    kept: [h-1]
    removed: []
    outdated: []
    names_lost: []
    cost: {currency: EUR, hourly: 0.0856, monthly: 62.49}
created:
  description: Names of the servers that were created.
  returned: always
  type: list
  elements: str
  sample: [h-2]
updated:
  description: Names of the servers that were changed or started.
  returned: always
  type: list
  elements: str
  sample: []
replaced:
  description: Names of the servers that were replaced.
  returned: always
  type: list
  elements: str
  sample: []
kept:
  description: Names of the servers that were as desired.
  returned: always
  type: list
  elements: str
  sample: [h-1]
removed:
  description: Names of the servers that were removed.
  returned: always
  type: list
  elements: str
  sample: []
outdated:
  description: Names of the servers that were kept although they have another image or type, because O(recreate) is not
    set.
  returned: always
  type: list
  elements: str
  sample: []
names_lost:
  description: Names that are removed from DNS although this plan removes no server; their servers had disappeared
    before.
  returned: always
  type: list
  elements: str
  sample: []
failed_servers:
  description: Reasons why servers are not in the desired state, by name.
  returned: on failure
  type: dict
  sample: {h-73: "POST /instance/v1/zones/fr-par-1/servers was answered 403: out_of_stock."}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.fields import choice
from ..module_utils.fleet import Fleet
from ..module_utils.fleet.groups import MOST
from ..module_utils.fleet.plan import FleetPlan
from ..module_utils.module import account, account_spec, connect, diff, reported
from ..module_utils.module_journal import change
from ..module_utils.plan import Values
from ..module_utils.resources.dns_records import Records
from ..module_utils.resources.server import Server
from ..module_utils.run_talk import recorded
from ..module_utils.transport import IN_FLIGHT

PLACES = {
    "policy_type": choice("max_availability", "low_latency", default="max_availability"),
    "policy_mode": choice("optional", "enforced", default="optional"),
    "size": {"type": "int", "default": MOST},
}
NAMES = {"zone": {"type": "str", "required": True}, "ttl": {"type": "int", "default": 300}}
OF_ONE_SERVER = ("placement_group", "public_ips", "power", "take_over")


def spec() -> Values:
    template = {entry.name: entry.option for entry in Server.fields if entry.name not in OF_ONE_SERVER}
    return {
        **account_spec(),
        **template,
        **{name: option for name, option in Server.options.items() if name not in OF_ONE_SERVER},
        "prefix": {"type": "str", "required": True},
        "count": {"type": "int"},
        "numbers": {"type": "list", "elements": "int"},
        "state": choice("present", "absent", "published", "configured", default="present"),
        "reserved_ips": {"type": "bool", "default": False},
        "reserved_ips_quota": {"type": "int"},
        "private_network_size": {"type": "int"},
        "twins": choice("fail", "keep_elder", default="fail"),
        "max_change": {"type": "int", "default": 50},
        "recreate": {"type": "bool", "default": False},
        "placement_groups": {"type": "dict", "options": PLACES},
        "dns": {"type": "dict", "options": NAMES},
        "concurrency": {"type": "int", "default": IN_FLIGHT},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
    }


def result(fleet: Fleet, plan: FleetPlan) -> dict[str, Any]:
    report = fleet.report(plan)
    cost = fleet.cost() if plan.changed or fleet.check else None
    return {"servers": fleet.servers(), "plan": {**report, "cost": cost}, **report}


def changes(module: AnsibleModule, plan: FleetPlan) -> list[dict[str, Any]]:
    """What the journal is told."""
    steps = [step for step in [*plan.steps, *plan.removals] if step.plan.changed]
    told = [change(module, Server.word, step.name, step.plan) for step in steps]
    if plan.records and plan.records.changed:
        told.append(change(module, Records.word, module.params["dns"]["zone"], plan.records))
    return told


def failure_message(fleet: Fleet, plan: FleetPlan) -> str:
    """What is not as desired at the end, in one message."""
    sentences = []
    if fleet.failures:
        names = ", ".join(sorted(fleet.failures, key=fleet.census.number))
        sentences.append(
            f"{len(fleet.failures)} of {len(plan.steps) + len(plan.removals)} servers are not as desired ({names}); "
            f"the others are. First reason: {next(iter(fleet.failures.values()))}"
        )
    return " ".join([*sentences, *fleet.refusals])


def main() -> None:
    module = AnsibleModule(
        argument_spec=spec(),
        supports_check_mode=True,
        mutually_exclusive=[("count", "numbers")],
        required_if=[("state", "present", ("count", "numbers"), True), ("state", "published", ("dns",))],
    )
    with reported(module):
        fleet = Fleet(connect(module), module.params, module.check_mode)
        plan = fleet.plan()
        if (plan.changed or plan.pending) and not module.check_mode:
            with recorded(changes(module, plan)) as told:
                fleet.apply(plan)
                told.objects |= {server["name"]: server["id"] for server in fleet.servers()}
                told.problems |= fleet.failures
        answer = {**result(fleet, plan), **diff(module, fleet.diff(plan)), **account(module, fleet.client)}
    for warning in fleet.warnings:
        module.warn(warning)
    if fleet.failures or fleet.refusals:
        module.fail_json(msg=failure_message(fleet, plan), changed=True, failed_servers=fleet.failures, **answer)
    module.exit_json(changed=plan.changed, **answer)


if __name__ == "__main__":
    main()
