# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup that returns a hash of files, roles and data."""

from __future__ import annotations

DOCUMENTATION = r"""
name: content_hash
short_description: SHA-256 of files, roles with their variables, and data
version_added: 0.1.0
author: The Ensemble maintainers (@ensemble)
description:
  - Hashes files, all files below folders, roles with the values of their variables, and data into one value, for
    example to name an image after its content.
  - The same content gives the same value on every machine. File names below a folder and the execute bit are part of
    the hash; times and owners are not.
options:
  _terms:
    description:
      - Files or folders. Relative paths are searched as R(files and roles,playbooks_reuse_roles) are.
      - Hidden files, C(__pycache__) and C(README.md) are left out.
    type: list
    elements: path
  roles:
    description:
      - Roles by their full names (C(NAMESPACE.COLLECTION.ROLE)) or by the paths of their folders.
      - All of their files are part of the hash.
      - The value of every variable of a role (in its C(meta/argument_specs.yml), C(defaults) or C(vars)) that is set
        outside the role is part of the hash, as seen by the host of the task.
    type: list
    elements: str
    default: []
  data:
    description: Anything else that belongs to the content and can be written as JSON, for example versions.
    type: raw
  length:
    description: How many hexadecimal digits to return.
    type: int
    default: 12
"""

EXAMPLES = r"""
- name: Name of an image after what goes into it
  ansible.builtin.set_fact:
    image_name: "base-{{ lookup('ensemble.jitsi.content_hash', 'roles/docker', data={'release': 'trixie'}) }}"

- name: Name of an image after roles, with everything that was set for them
  ansible.builtin.set_fact:
    image_name: "jitsi-{{ lookup('ensemble.jitsi.content_hash', roles=['ensemble.jitsi.jitsi']) }}"

- name: Tag of a container image after its source, in full length
  ansible.builtin.set_fact:
    image_tag: "{{ lookup('ensemble.jitsi.content_hash', 'app', 'Dockerfile', length=64) }}"

- name: Of data alone
  ansible.builtin.debug:
    msg: "{{ lookup('ensemble.jitsi.content_hash', data=settings) }}"
"""

RETURN = r"""
_raw:
  description: One hexadecimal string.
  type: list
  elements: str
  sample: [4f1c9a6d2b70]
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.collection_loader._collection_finder import _get_collection_role_path

IGNORED = {"__pycache__", "README.md"}


def files_below(path: Path) -> list[Path]:
    """The files that count at a path, in the same order everywhere."""
    if path.is_file():
        return [path]
    return sorted(
        found
        for found in path.rglob("*")
        if found.is_file()
        and not any(part in IGNORED or part.startswith(".") for part in found.relative_to(path).parts)
    )


def content_hash(paths: list[Path], data: object = None) -> str:
    """SHA-256 (hexadecimal) of the files at or below `paths`, then of `data` as JSON."""
    digest = hashlib.sha256()
    for path in paths:
        for found in files_below(path):
            content = found.read_bytes()
            name = found.relative_to(path.parent).as_posix()
            digest.update(f"{name}\0{bool(found.stat().st_mode & 0o100)}\0{len(content)}\0".encode())
            digest.update(content)
    digest.update(json.dumps(data, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def role_folder(role: str) -> Path:
    """Return the folder of a role, given by its full name or by an absolute path."""
    if os.path.isabs(role):
        return Path(role)
    found = _get_collection_role_path(role)
    if not found:
        raise AnsibleLookupError(f"content_hash: the role {role} does not exist")
    return Path(found[1])


def role_variables(folder: Path) -> set[str]:
    """The names of all variables that a role has: what it can be told, its defaults and its own."""
    names: set[str] = set()
    for part in ("defaults", "vars"):
        for content in _yaml_files(folder / part):
            names |= set(content)
    for content in _yaml_files(folder / "meta", "argument_specs.*"):
        for entry_point in (content.get("argument_specs") or {}).values():
            names |= set(entry_point.get("options") or {})
    return names


def _yaml_files(folder: Path, pattern: str = "*") -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.rglob(pattern)):
        if path.suffix in (".yml", ".yaml"):
            yield yaml.safe_load(path.read_text(encoding="utf-8")) or {}


class LookupModule(LookupBase):
    """The content_hash lookup."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        paths = []
        for term in terms:
            path = term if os.path.isabs(term) else self._loader.path_dwim(term)
            if not os.path.exists(path):
                raise AnsibleLookupError(f"content_hash: {path} does not exist")
            paths.append(Path(path))
        data = self.get_option("data")
        if roles := [role_folder(role) for role in self.get_option("roles")]:
            names = sorted(set().union(*(role_variables(role) for role in roles)))
            known = variables or {}
            data = {"data": data, "variables": {name: self._value(known[name]) for name in names if name in known}}
        return [content_hash([*paths, *roles], data)[: self.get_option("length")]]

    def _value(self, raw: Any) -> Any:
        return self._templar.template(raw)
