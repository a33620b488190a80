#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: served_certificate_info
short_description: Show which certificates servers present
version_added: 0.3.0
description:
  - Connects to servers over TLS, all at once, and returns the certificate that they present for a name to a visitor's
    browser.
  - The validity of the certificate is not checked.
options:
  servers:
    description: Servers to connect to.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: Address of the server.
        type: str
        required: true
      name:
        description: Server name to request (SNI).
        type: str
        required: true
      port:
        description: TLS port.
        type: int
        default: 443
  timeout:
    description: Seconds that one server may take to answer.
    type: float
    default: 5
attributes:
  check_mode:
    description: Can run in check mode and return what would be done, without changing anything.
    support: full
  diff_mode:
    description: Returns details on what has changed, or in check mode would change.
    support: N/A
    details: Changes nothing.
notes:
  - Runs on the host of the task and needs no Python packages there.
seealso:
  - module: community.crypto.get_certificate
  - module: community.crypto.x509_certificate_info
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Does every server show the new certificate?
  ensemble.jitsi.served_certificate_info:
    servers:
      - {name: h-1.example.org, address: 51.15.208.130}
      - {name: h-2.example.org, address: 51.15.208.131}
  register: served
  until: served.certificates | map(attribute='sha256') | unique == [wanted_fingerprint]
  retries: 20
  delay: 3

- name: What a balancer shows for the portal's name, as another machine sees it
  ensemble.jitsi.served_certificate_info:
    servers:
      - {name: example.org, address: 51.158.70.159}
  delegate_to: prometheus-1

- name: A server that may be slow, on another port
  ensemble.jitsi.served_certificate_info:
    servers:
      - {name: test.example.org, address: 192.0.2.17, port: 8443}
    timeout: 20
"""

RETURN = r"""
certificates:
  description: >-
    The certificate of each server, in the order of O(servers). C(sha256) is the fingerprint, in the form of
    M(community.crypto.x509_certificate_info); null if there was no certificate, and C(problem) has the reason.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: h-1.example.org, address: 51.15.208.130, sha256: "0f:3a:…", problem: ""}
"""

import hashlib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule

AT_ONCE = 32
SERVER = {
    "address": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "port": {"type": "int", "default": 443},
}


def shown(server: dict[str, Any], timeout: float) -> str:
    """The fingerprint of the certificate that a server shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((server["address"], server["port"]), timeout) as connection,
        context.wrap_socket(connection, server_hostname=server["name"]) as secure,
    ):
        digest = hashlib.sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def ask(server: dict[str, Any], timeout: float) -> dict[str, Any]:
    answer = {"name": server["name"], "address": server["address"], "sha256": None, "problem": ""}
    try:
        return {**answer, "sha256": shown(server, timeout)}
    except (OSError, ValueError) as error:
        return {**answer, "problem": str(error)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "servers": {"type": "list", "elements": "dict", "required": True, "options": SERVER},
            "timeout": {"type": "float", "default": 5},
        },
        supports_check_mode=True,
    )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda server: ask(server, module.params["timeout"]), module.params["servers"]))
    module.exit_json(changed=False, certificates=answers)


if __name__ == "__main__":
    main()
