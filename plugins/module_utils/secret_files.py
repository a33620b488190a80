# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync the secrets of one path with files of one folder: fetch them for a run, and store changed files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import Client
from .engine import reconcile
from .errors import Invalid
from .resources.secret import Secret, normal_path

KNOWN = ".revisions.json"
"""Remembers, beside the files, which version each secret had when it was brought."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
"""Files that are secrets of their own; others lie there for other reasons."""
TRIES = 5
"""How often lines are merged into what peers have written meanwhile."""


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass
class Kept:
    """What became of files that had changed."""

    written: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)  #: a peer was faster: its value is in the files now


class SecretFiles:
    """`files` tells which files a secret consists of; any other secret of the path is one file of its own name."""

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool = False) -> None:
        self.client = client
        self.arguments = arguments
        self.check = check
        self.path = normal_path(arguments["path"])
        self.folder = Path(arguments["folder"])
        self.files: dict[str, list[str]] = arguments.get("files") or {}
        self.merged: Sequence[str] = arguments.get("merged") or ()
        for name in (each for names in self.files.values() for each in names):
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise Invalid(f"files: {name} must be a path below folder.")

    def names_of(self, secret: str) -> list[str]:
        return self.files.get(secret) or [secret]

    # --- from the cloud to the folder

    def fetch(self) -> list[dict[str, Any]]:
        """Write all secrets to files; return their names, ids and revisions, without values."""
        found = self._secret().list(path=self.path)
        there = sorted((each for each in found if each["path"] == self.path), key=lambda each: each["name"])
        for each in there:
            self._secret(each["name"]).claim("present", each)
        known = self._known()
        versions = self.client.each(lambda each: self._secret().version(each["id"]), there)
        self._make(self.folder)
        brought = []
        for each, (revision, value) in zip(there, versions, strict=True):
            if value is None:
                continue  # a peer is about to write its first version
            name = each["name"]
            version = {"id": each["id"], "revision": revision, "digest": digest(value)}
            if known.get(name) != version:
                self._write_files(name, value)
                known[name] = version
            brought.append({"name": name, "id": each["id"], "revision": revision})
        self._remember(known)
        return brought

    # --- from the folder to the cloud

    def keep(self) -> Kept:
        """Write back whatever differs from what was brought, never an empty value."""
        kept, known = Kept(), self._known()
        for name in self._here(known):
            value = self._read_files(name)
            if value is None or known.get(name, {}).get("digest") == digest(value):
                continue
            if self.check:
                kept.written.append(name)
                continue
            known[name], own = self._store(name, value, known.get(name, {}).get("revision", 0))
            self._remember(known)
            (kept.written if own else kept.taken).append(name)
        return kept

    def _here(self, known: Mapping[str, Any]) -> list[str]:
        """Secrets that have files, or had when they were brought."""
        listed = {each for names in self.files.values() for each in names}
        alone = [path.name for path in self.folder.glob("*") if path.is_file() and NAME.fullmatch(path.name)]
        return sorted({*self.files, *known, *(name for name in alone if name not in listed)})

    def _store(self, name: str, value: str, after: int) -> tuple[dict[str, Any], bool]:
        """Write one secret; what is known of it then, and whether its value is ours."""
        for _try in range(TRIES):
            secret = self._secret(name)
            made = reconcile(secret, "present", check=False).result or {}
            revision, stored = secret.follow(made["id"], value, after)
            if stored is None:
                raise Invalid(f"secret {name} in {self.path} has no enabled version: enable one.")
            missing = [line for line in value.splitlines() if line not in stored.splitlines()]
            if stored != value and name in self.merged and missing:
                value, after = "\n".join([*stored.splitlines(), *missing]) + "\n", revision
                continue
            self._write_files(name, stored)
            version = {"id": made["id"], "revision": revision, "digest": digest(stored)}
            return version, stored == value or name in self.merged
        raise Invalid(f"secret {name} in {self.path} keeps changing: nothing was written. Run this again.")

    def _secret(self, name: str = "") -> Secret:
        own = {"name": name, "path": self.path, "owner_tag": self.arguments.get("owner_tag")}
        return Secret(self.client, own, self.check)

    # --- files

    def _read_files(self, secret: str) -> str | None:
        """The value that its files make, None where none of them is there."""
        names = self.names_of(secret)
        found = {name: (self.folder / name).read_text() for name in names if (self.folder / name).is_file()}
        empty = [name for name, text in found.items() if not text.strip()]
        if empty and secret in self.merged:
            return None
        if empty:
            raise Invalid(f"{self.folder / empty[0]} is empty, which is no secret: remove the file, or write it again.")
        if not found:
            return None
        return next(iter(found.values())) if len(names) == 1 else json.dumps(found, sort_keys=True)

    def _write_files(self, secret: str, value: str) -> None:
        names = self.names_of(secret)
        contents = {names[0]: value} if len(names) == 1 else self._parts(secret, value)
        for name in names:
            target = self.folder / name
            if name in contents:
                self._write(target, contents[name])
            else:
                target.unlink(missing_ok=True)

    def _parts(self, secret: str, value: str) -> dict[str, str]:
        try:
            parts = json.loads(value)
        except ValueError:
            parts = None
        if not isinstance(parts, dict) or not all(isinstance(text, str) and text for text in parts.values()):
            told = ", ".join(self.names_of(secret))
            raise Invalid(f"secret {secret} in {self.path} is not a JSON object with the texts of {told}.")
        return parts

    def _make(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _write(self, target: Path, text: str) -> None:
        """Write a file atomically, readable only by its owner."""
        self._make(target.parent)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".")  # 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(name).replace(target)

    def _known(self) -> dict[str, dict[str, Any]]:
        path = self.folder / KNOWN
        return json.loads(path.read_text()) if path.exists() else {}

    def _remember(self, known: Mapping[str, Any]) -> None:
        self._write(self.folder / KNOWN, json.dumps(known))
