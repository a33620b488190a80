# SPDX-License-Identifier: GPL-3.0-or-later
"""Other places than this clone from which a platform is operated, and secrets that must not show anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.platform.running import LAB, ROOT, TOKEN, Platform, Played, run, secret

PUBLIC = {"known_hosts", "ca.pem", "certificate.pem", "wildcard.pem", "access_key", "ssh-host-keys"}


def fresh_clone(folder: Path) -> Path:
    """The project's files as a clone has them, and nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    clone = folder / "clone"
    clone.mkdir()
    there = b"\0".join(name for name in listed.split(b"\0") if name and (ROOT / name.decode()).exists())
    packed = subprocess.run(
        ["tar", "-c", "--null", "-T", "-"], cwd=ROOT, input=there, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x"], cwd=clone, input=packed, check=True)
    return clone


def play_from(clone: Path, playbook: str, *arguments: str) -> Played:
    """Run a playbook in another clone, as the README says."""
    program = str(ROOT / ".venv/bin/ansible-playbook")
    return run(program, f"playbooks/{playbook}", "-i", "inventories/local", *arguments, cwd=clone)


def awx_job(playbook: str, *arguments: str) -> Played:
    """Run a playbook of a fresh copy of the project as AWX does."""
    program = [sys.executable, str(Path(__file__).with_name("awx_job.py"))]
    return run(*program, str(ROOT), "inventories/local", f"playbooks/{playbook}", *arguments)


def secret_texts(platform: Platform) -> dict[str, str]:
    """One line of each secret of the platform that nobody may see, by its name."""
    path = "/secret-manager/v1beta1/regions/fr-par/secrets"
    found = platform.api(f"{path}?scheduled_for_deletion=false&path=/ensemble/local&page_size=100")["secrets"]
    texts = {"operator": TOKEN["X-Auth-Token"]}
    for each in found:
        texts |= dict(_lines(each["name"], secret(each["name"])))
    assert len(texts) > len(found) / 2, f"{LAB}: {sorted(texts)}"
    return texts


def _lines(name: str, value: str) -> Iterator[tuple[str, str]]:
    """The longest line of each private file of a secret, the value itself where it has no files."""
    try:
        files: Any = json.loads(value)
    except ValueError:
        files = value
    for file, text in (files if isinstance(files, dict) else {"": str(files)}).items():
        if not {name, Path(file).name} & PUBLIC and not file.endswith(".pub") and len(str(text)) >= 12:
            yield f"{name} {file}".strip(), max(str(text).splitlines(), key=len)


@contextmanager
def watched_processes(secrets: dict[str, str]) -> Iterator[list[str]]:
    """Secrets that are seen in a command line, of this machine or of any of the platform's, which all run on it."""
    found: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                if "ensemble_lab serve" not in line:  # the cloud itself
                    found.extend(f"{name}: {line[:60]}" for name, text in secrets.items() if text in line)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


WORLD_READABLE = (
    "su -s /bin/sh nobody -c 'exec grep -rlsF -D skip -f - /etc /opt /home /root /srv /var /run /tmp' || true"
)
LOGS = """
umask 077; cat > /run/patterns
{
    journalctl --no-pager -o cat
    cat /var/log/*.log /var/log/*/*.log
    for container in $(docker ps -aq); do docker logs "$container"; done
} 2>/dev/null | grep -F -f /run/patterns | cut -c1-40
rm /run/patterns
"""


def exposed(platform: Platform, server: str, secrets: dict[str, str]) -> str:
    """World-readable files of a machine, and lines of its logs, that hold a secret."""
    patterns = "\n".join(secrets.values()) + "\n"
    return platform.ssh(server, WORLD_READABLE, text=patterns) + platform.ssh(server, LOGS, text=patterns)
