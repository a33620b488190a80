#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
---
module: scaleway_secret_info
short_description: List secrets and their ages
version_added: 0.3.0
description:
  - Lists the secrets of one path of the secret manager with their current version. Values are not read.
options:
  path:
    description: Folder of the secrets.
    type: str
    default: /
  name:
    description: Exact name of a secret.
    type: str
extends_documentation_fragment:
  - ensemble.jitsi.scaleway
  - ensemble.jitsi.scaleway.info
seealso:
  - module: ensemble.jitsi.scaleway_secret
  - module: ensemble.jitsi.scaleway_secret_files
author: The Ensemble maintainers (@ensemble)
"""

EXAMPLES = r"""
- name: Secrets of a platform
  ensemble.jitsi.scaleway_secret_info:
    path: /ensemble/production
  register: there

- name: Its oldest password is from this year
  ansible.builtin.assert:
    that: there.secrets | map(attribute='written_at') | min >= '2026'

- name: One of them
  ensemble.jitsi.scaleway_secret_info:
    path: /ensemble/production
    name: ssh-key
"""

RETURN = r"""
secrets:
  description: Secrets by name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the secret.
      type: str
      sample: ssh-key
    id:
      description: Its id.
      type: str
      sample: 1c5a5d2e-4f1b-4c56-9a6a-0dd1f9b4f5a3
    path:
      description: Its folder.
      type: str
      sample: /ensemble/production
    type:
      description: Its kind.
      type: str
      sample: opaque
    tags:
      description: Its tags.
      type: list
      elements: str
      sample: ["ensemble:production"]
    revision:
      description: The current version; 0 if no version is enabled.
      type: int
      sample: 2
    written_at:
      description: When that version was written; empty if there is none.
      type: str
      sample: "2026-11-28T14:31:24.123456Z"
"""

from typing import Any

from ..module_utils.client import Client
from ..module_utils.module import look_up
from ..module_utils.resources.secret import Secret, normal_path


def secrets(client: Client, params: dict[str, Any]) -> list[dict[str, Any]]:
    secret, path = Secret(client, {}), normal_path(params["path"])
    found = [
        each
        for each in secret.list(path=path, name=params["name"] or None)
        if each["path"] == path and params["name"] in (None, "", each["name"])
    ]
    versions = client.each(lambda each: secret.enabled(each["id"])[-1:], found)
    return [
        {key: each.get(key) for key in ("name", "id", "path", "type", "tags")}
        | {
            "revision": version[0]["revision"] if version else 0,
            "written_at": version[0]["created_at"] if version else "",
        }
        for each, version in sorted(zip(found, versions, strict=True), key=lambda pair: pair[0]["name"])
    ]


def main() -> None:
    look_up("secrets", {"path": {"type": "str", "default": "/"}, "name": {"type": "str"}}, secrets)


if __name__ == "__main__":
    main()
