# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the process that keeps a run's lock and journal what runs, what it changes on machines, and how it ends.

It is next to the playbooks, so Ansible loads it without configuration.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: ensemble_run
type: notification
short_description: Journal and lock of a platform's runs
version_added: 0.3.0
description:
  - Writes in the platform's journal which tasks changed which machines, and how a run ended.
  - Stops a run before its next task when the platform's lock is lost.
author: The Ensemble maintainers (@ensemble)
"""

import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import ScalewayError
from ansible_collections.ensemble.jitsi.plugins.module_utils.run_origin import PLAYBOOK
from ansible_collections.ensemble.jitsi.plugins.module_utils.run_process import Run, read_process
from ansible_collections.ensemble.jitsi.plugins.module_utils.run_talk import LockLost, ask, socket_of, stay_alive


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "ensemble_run"

    def __init__(self) -> None:
        super().__init__()
        self._keeper: Path | None = None
        self._books: list[str] = []

    def _ask(self, message: dict[str, Any]) -> None:
        """Say something to the keeper, where there is one by now; without its lock the run ends here."""
        if self._keeper is None:
            found = read_process(os.getpid())
            self._keeper = socket_of(Run(found.pid, found.started)) if found else None
            if self._keeper is None:
                return
            self._pulse = stay_alive(self._keeper.parent)
        try:
            ask(self._keeper, message)
        except LockLost as lost:
            self._display.error(str(lost))
            raise KeyboardInterrupt from lost
        except ScalewayError as problem:
            self._display.warning(f"The journal was not told: {problem}")

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._books.append(Path(playbook._file_name).name)
        os.environ[PLAYBOOK] = " ".join(self._books)  # for the modules that this process starts

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._ask({"do": "gate"})

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._ask({"do": "gate"})

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task that changed a machine; the collection's own modules tell about the cloud themselves."""
        told, host = result._result, result._host.get_name()
        if told.get("changed") and host != "localhost" and not result._task.delegate_to and not result._task.check_mode:
            after = {"task": result._task.get_name().strip(), "module": result._task.action}
            change = {"kind": "machine", "name": host, "action": "changed", "after": after, "state": "done"}
            self._ask({"do": "begin", "changes": [change]})

    def v2_playbook_on_stats(self, stats: Any) -> None:
        counts = [stats.summarize(host) for host in stats.processed]
        failed = any(count["failures"] or count["unreachable"] for count in counts)
        self._ask({"do": "end", "result": "failed" if failed else "ok"})
