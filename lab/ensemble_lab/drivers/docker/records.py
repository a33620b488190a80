# SPDX-License-Identifier: GPL-3.0-or-later
"""What the driver must remember across a kill: one JSON file per thing, replaced atomically."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Records:
    """A small durable dictionary: key (file name safe) -> JSON object."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._known = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    def get(self, key: str) -> Record | None:
        return self._known.get(key)

    def entries(self) -> list[tuple[str, Record]]:
        return sorted(self._known.items())

    def put(self, key: str, record: Record) -> Record:
        """Keep a record; it is on the disk when this returns."""
        self._known[key] = record
        path = self._folder / f"{key}.json"
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return record

    def drop(self, key: str) -> None:
        self._known.pop(key, None)
        (self._folder / f"{key}.json").unlink(missing_ok=True)

    def clear(self) -> None:
        for key in list(self._known):
            self.drop(key)
