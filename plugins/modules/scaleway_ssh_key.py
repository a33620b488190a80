#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_ssh_key
short_description: SSH keys of a Scaleway project
version_added: 0.1.0
description:
  - Creates, renames, disables and removes SSH keys of a project.
  - Servers that are created afterwards accept these keys; existing servers do not get new keys.
options:
  public_key:
    description: >-
      The public key in OpenSSH form. Its comment is ignored, because the API removes it. Required to create a key.
    type: str
  disabled:
    description: Whether new servers ignore the key.
    type: bool
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.attributes
  - ensemble.jitsi.scaleway.object
  - ensemble.jitsi.scaleway.presence
  - ensemble.jitsi.scaleway.recreate
seealso:
  - module: community.crypto.openssh_keypair
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: The operators' key
  ensemble.jitsi.scaleway_ssh_key:
    name: operators
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"

- name: Another key under the same name
  ensemble.jitsi.scaleway_ssh_key:
    name: operators
    public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHg1Ya0bXb0qSDyQ3y3Qh0mZ1mKk4QmS1a6Yc0k1cV5k
    recreate: true

- name: Nobody comes in with this key any more
  ensemble.jitsi.scaleway_ssh_key:
    name: former-colleague
    state: absent
"""

RETURN = r"""
ssh_key:
  description: The key, as the API shows it; null when it is absent.
  returned: always
  type: dict
  sample:
    id: 6f0b1c4e-5b53-4ce4-a74f-f9f43e6c2b4d
    name: operators
    public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHg1Ya0bXb0qSDyQ3y3Qh0mZ1mKk4QmS1a6Yc0k1cV5k
    fingerprint: 256 MD5:6b:5d:88:9e:60:14:f4:8f:66:b5:17:ba:a5:4a:d6:42 (ssh-ed25519)
    disabled: false
"""

from ..module_utils.module import run
from ..module_utils.resources.ssh_key import SshKey


def main() -> None:
    run(SshKey)


if __name__ == "__main__":
    main()
