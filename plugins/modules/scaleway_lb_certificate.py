#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_lb_certificate
short_description: Certificates of a load balancer
version_added: 0.1.0
description:
  - Orders certificates from Let's Encrypt, uploads and renews your own certificates, and removes them.
  - A certificate is replaced without leaving a frontend without one; during the change the new one is named
    C(NAME.successor).
options:
  lb:
    description: Name or id of the load balancer.
    type: str
    required: true
  letsencrypt:
    description: >-
      Names for a certificate from Let's Encrypt, the common name first. They must already resolve to the balancer.
    type: list
    elements: str
  certificate_chain:
    description:
      - Your own certificate in PEM format, with private key, certificate and chain in one text.
      - Certificates are compared by fingerprint. One with another fingerprint replaces the existing one; its frontends
        switch to the new one before the old one is removed.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: ensemble.jitsi.scaleway_lb_frontend
  - module: ensemble.jitsi.scaleway_dns_record
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: The balancer
  ensemble.jitsi.scaleway_lb:
    name: portal
    type: LB-S
  register: portal

- name: Names that lead to it
  ensemble.jitsi.scaleway_dns_record:
    dns_zone: example.org
    records:
      - {name: meet, data: ["{{ portal.lb.ip[0].ip_address }}"]}
      - {name: www.meet, data: ["{{ portal.lb.ip[0].ip_address }}"]}

- name: A certificate from Let's Encrypt
  ensemble.jitsi.scaleway_lb_certificate:
    lb: portal
    name: portal
    letsencrypt: [meet.example.org, www.meet.example.org]

- name: One of your own
  ensemble.jitsi.scaleway_lb_certificate:
    lb: portal
    name: portal-own
    certificate_chain: "{{ lookup('ansible.builtin.file', 'portal.pem') }}"

- name: The first one, which no frontend uses any more
  ensemble.jitsi.scaleway_lb_certificate:
    lb: portal
    name: portal
    state: absent
"""

RETURN = r"""
certificate:
  description: The certificate, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 9d1ce6b1-3aa8-4a5c-b91f-6f8a3c6c8a11
    name: portal
    type: letsencryt
    status: ready
    common_name: meet.example.org
    subject_alternative_name: [www.meet.example.org]
    not_valid_after: '2027-02-21T10:11:12Z'
"""

from ..module_utils.module import run
from ..module_utils.resources.lb_certificate_renewal import RenewedCertificate


def main() -> None:
    run(RenewedCertificate)


if __name__ == "__main__":
    main()
