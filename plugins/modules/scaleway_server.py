#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_server
short_description: Servers (instances) with their disks, user data and power
version_added: 0.1.0
description:
  - Creates, changes, starts, stops, reboots and removes servers.
  - Only options that are set are compared and changed.
  - The next run completes an interrupted one; nothing is created twice, and no disk is left behind.
options:
  state:
    description:
      - V(present) ensures that the server exists, and neither starts nor stops it.
      - V(running) also starts it, V(stopped) powers it off (its disks stay).
      - V(rebooted) restarts a running server on each run, and starts one that is off.
      - V(rebuilt) ensures that it runs the system of O(image); a server from another image is removed and re-created
        with the same name and reserved addresses. It is V(running) with O(recreate=true).
      - V(absent) removes the server and its own disks; reserved addresses and other volumes stay.
    type: str
    choices: [present, absent, running, stopped, rebooted, rebuilt]
    default: present
  commercial_type:
    description:
      - Server type, such as V(DEV1-L). Required to create a server. M(ensemble.jitsi.scaleway_server_type_info) lists
        them.
      - It can change while the server is powered off and in no placement group; otherwise O(recreate) is required.
    type: str
  image:
    description:
      - Image to create the server from, by id of an image, label of the marketplace (V(debian_trixie)), or name of an
        image of the project.
      - An existing server keeps its system unless O(recreate=true). A newer version of the same marketplace image does
        not count as another image.
    type: str
  volumes:
    description:
      - Disks by slot; slot V("0") is the system disk. Slots that are not listed stay unchanged.
      - C(name) (or C(id)) attaches an existing volume, see M(ensemble.jitsi.scaleway_volume), which stays when the
        server is removed.
      - Otherwise the disk belongs to the server and is removed with it. C(volume_type) is V(sbs_volume), V(l_ssd) or
        V(scratch), C(size) is in bytes, C(base_snapshot) is the name or id of a snapshot to create it from.
      - An empty slot, V({}), detaches its disk, which then stays as a separate volume.
      - Disks of an existing server are attached and detached as desired, local ones only while it is off or with
        O(state=stopped). Another system disk, or another kind or size of a local disk, requires O(recreate=true).
      - Size and speed of an existing SBS volume are not compared; use M(ensemble.jitsi.scaleway_volume) to grow it,
        also the system disk, with the id in RV(server).
      - If not set, a new server gets an SBS volume of the size of its image, and the further volumes of its image.
    type: dict
  tags:
    description: Tags; their order does not matter.
    type: list
    elements: str
  security_group:
    description: Name or id of the security group; defaults to the project's default group.
    type: str
  placement_group:
    description: Name or id of the placement group; an empty string takes the server out of its group.
    type: str
  dynamic_ip_required:
    description: >-
      Whether the server gets a public address while it runs, if it has no reserved one. A new server does by default.
    type: bool
  public_ips:
    description: >-
      Reserved addresses of the server, all of them, each by its id, its name (see M(ensemble.jitsi.scaleway_ip)) or
      the address itself.
    type: list
    elements: str
  take_over:
    description: Whether O(public_ips) may take an address from another server; otherwise that is an error.
    type: bool
    default: false
  private_networks:
    description: Names or ids of the private networks that the server is in, all of them.
    type: list
    elements: str
  protected:
    description: Whether the API refuses to delete the server. Removing a protected server requires V(false).
    type: bool
  boot_type:
    description: Where the next boot starts from.
    type: str
    choices: [local, rescue]
  user_data:
    description:
      - Texts that the server can read from its metadata service, by key; C(cloud-init) is read by cloud-init at the
        first boot.
      - Keys that are not listed stay unchanged. An empty text is an error, because a lookup may have found nothing;
        O(absent_user_data) removes keys.
      - Diffs and verbose output show no private key, and no value in a line or under a key whose name looks secret,
        such as C(JWT_APP_SECRET=...); values shorter than 6 characters are hidden in diffs only.
    type: dict
  secret_user_data:
    description: Further O(user_data) that is never shown, neither in a diff nor in verbose output.
    type: dict
  absent_user_data:
    description: Keys of user data to remove.
    type: list
    elements: str
  wait_for:
    description:
      - When a server counts as started. V(running) is reached as soon as it has a host, before its kernel boots.
      - V(booted) waits for the system's own report, which not every image sends.
    type: str
    choices: [running, booted]
    default: running
  keep_volumes:
    description:
      - Whether to keep the server's own disks when it is removed. Volumes that were attached to it always stay.
      - A server with a local disk that stays is powered off first.
    type: bool
    default: false
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.recreate
notes:
  - If O(user_data) matters at the first boot, create the server with O(state=running) in one task, so that it is set
    before.
seealso:
  - module: ensemble.jitsi.scaleway_fleet
  - module: ensemble.jitsi.scaleway_image
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: A running server on a local disk
  ensemble.jitsi.scaleway_server:
    name: builder
    state: running
    commercial_type: DEV1-S
    image: debian_trixie
    volumes:
      "0": {volume_type: l_ssd, size: 20000000000}
    security_group: ssh-only
    tags: [build]

- name: One that configures itself, in a placement group, with a reserved address
  ensemble.jitsi.scaleway_server:
    name: portal-1
    state: running
    commercial_type: PRO2-XXS
    image: debian_trixie
    placement_group: portal
    public_ips: [portal-1]
    dynamic_ip_required: false
    user_data:
      cloud-init: "{{ lookup('ansible.builtin.file', 'portal.yml') }}"
    secret_user_data:
      tls-private-key: "{{ portal_private_key }}"
    wait_for: booted

- name: Another image, so another server of the same name
  ensemble.jitsi.scaleway_server:
    name: portal-1
    state: rebuilt
    commercial_type: PRO2-XXS
    image: portal-2026-11

- name: Power off
  ensemble.jitsi.scaleway_server:
    name: builder
    state: stopped

- name: Remove it with its disks
  ensemble.jitsi.scaleway_server:
    name: builder
    state: absent
"""

RETURN = r"""
server:
  description: The server, as the API shows it, and its first public IPv4 address; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 2e6e8a40-6b5d-4f0d-9a6c-6a9b1f2b9c1e
    name: portal-1
    state: running
    commercial_type: PRO2-XXS
    public_address: 51.15.208.130
    public_ips: [{address: 51.15.208.130, dynamic: false, family: inet}]
    security_group: {id: 0168fb1f-cc46-4f69-b4be-c95d2a19bcae, name: web}
    tags: [portal]
    zone: fr-par-1
"""

from ..module_utils.module import run
from ..module_utils.resources.server import Server


def main() -> None:
    run(Server)


if __name__ == "__main__":
    main()
