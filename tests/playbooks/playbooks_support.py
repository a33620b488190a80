# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators who run the playbooks against a local Scaleway without machines, each from an inventory of their own."""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from modules_support import PROJECT, ROOT, SECRET_KEY, Lab

PLAYBOOKS = ROOT / "playbooks"
BIN = Path(sys.executable).parent
DOMAIN = "ensemble.test"
SECRETS = "/secret-manager/v1beta1/regions/fr-par/secrets"
SECRET_FILES = {
    "ssh-key": ["id_ed25519", "id_ed25519.pub"],
    "ssh-host-keys": ["known_hosts"],
    "certificate": ["tls/private_key.pem", "tls/certificate.pem"],
    "acme-account": ["tls/account_key.pem"],
    "rehearsal-ca": ["tls/ca_key.pem", "tls/ca.pem"],
    "database-password": ["database_password"],
}
CLOUD_ONLY = "machines,docker"
"""What needs machines and a Docker Engine, which are not here."""


@dataclass
class Run:
    """A playbook run that has ended."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        counts = [word.removeprefix("changed=") for word in self.output.split() if word.startswith("changed=")]
        return sum(int(count) for count in counts)

    def ok(self) -> Run:
        assert self.status == 0, self.output
        return self

    def failed(self, *said: str) -> Run:
        assert self.status != 0, self.output
        for words in said:
            assert words in " ".join(self.output.split()), self.output
        assert "Traceback" not in self.output
        return self


@dataclass
class Operator:
    """Somebody with a copy of inventories/production and a platform of their own in it."""

    folder: Path
    lab: Lab
    platform: str = "production"
    settings: dict[str, Any] = field(default_factory=dict)
    resolver: Path | None = None
    programs: Path = BIN

    @property
    def inventory(self) -> Path:
        return self.folder / "inventories" / self.platform

    @property
    def secrets_dir(self) -> Path:
        """Where secrets lie that are kept in files."""
        return self.folder / "inventories/.secrets" / self.platform

    @property
    def secrets(self) -> Path:
        """A folder with the files of all secrets, as they are in the cloud now."""
        folder = self.folder / "secrets-seen"
        shutil.rmtree(folder, ignore_errors=True)
        for name, value in self.stored().items():
            files = SECRET_FILES.get(name, [name])
            for file, text in ({files[0]: value} if len(files) == 1 else json.loads(value)).items():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_text(text)
        return folder

    def keep_in_files(self, folder: Path | None = None) -> None:
        """The secrets as they lay beside the inventories before they were kept in the cloud, or in another folder."""
        folder = folder or self.secrets_dir
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.secrets.rename(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)

    def stored(self) -> dict[str, str]:
        """The platform's secrets, by the API."""
        listed = f"{SECRETS}?scheduled_for_deletion=false&path=/ensemble/{self.platform}&page_size=100"
        return {
            each["name"]: base64.b64decode(
                self.api("GET", f"{SECRETS}/{each['id']}/versions/latest_enabled/access")["data"]
            ).decode()
            for each in self.api("GET", listed)["secrets"]
        }

    def change_secret(self, name: str, **files: str | None) -> None:
        """Somebody writes another version of a secret of several files, or one without some of them."""
        listed = f"{SECRETS}?scheduled_for_deletion=false&path=/ensemble/{self.platform}&name={name}"
        ident = self.api("GET", listed)["secrets"][0]["id"]
        known = {Path(file).stem: (file, text) for file, text in json.loads(self.stored()[name]).items()}
        changed = {known[stem][0]: text for stem, text in files.items()}
        value = {file: text for file, text in {**dict(known.values()), **changed}.items() if text}
        data = base64.b64encode(json.dumps(value).encode()).decode()
        self.api("POST", f"{SECRETS}/{ident}/versions", {"data": data, "disable_previous": True})

    def write_secret(self, name: str, value: str) -> None:
        """Somebody brings a secret that the platform does not have yet."""
        place = {"name": name, "path": f"/ensemble/{self.platform}", "tags": [self.tag], "project_id": PROJECT}
        made = self.api("POST", SECRETS, place)
        data = base64.b64encode(value.encode()).decode()
        self.api("POST", f"{SECRETS}/{made['id']}/versions", {"data": data})

    def lose_secret(self, name: str) -> None:
        listed = f"{SECRETS}?scheduled_for_deletion=false&path=/ensemble/{self.platform}&name={name}"
        for each in self.api("GET", listed)["secrets"]:
            self.api("DELETE", f"{SECRETS}/{each['id']}")

    @property
    def tag(self) -> str:
        return f"ensemble:{self.platform}"

    @property
    def account(self) -> dict[str, str]:
        return {
            "SCW_API_URL": self.lab.url,
            "SCW_ACCESS_KEY": "SCWLABLABLABLABLABLA",
            "SCW_SECRET_KEY": SECRET_KEY,
            "SCW_DEFAULT_PROJECT_ID": PROJECT,
        }

    def write_inventory(self) -> None:
        if not self.inventory.exists():
            shutil.copytree(ROOT / "inventories/production", self.inventory)
        source = (ROOT / "inventories/production/scaleway.yml").read_text()
        (self.inventory / "scaleway.yml").write_text(source.replace("ensemble:production", self.tag))
        own = {
            "ensemble_platform": self.platform,
            "ensemble_domain": DOMAIN,
            "ensemble_admin_networks": ["203.0.113.0/24"],
            "certificate_provider": "own_ca",
            "database_provider": "server",
            "jitsi_archive_sha256": "a" * 64,
            "jitsi_count": 2,
            "jitsi_max_change": 100,
            "portal_drain_seconds": 0,
            # Nothing answers on the addresses of this cloud, and nobody may try.
            "ensemble_connect_timeout": 1,
            "ansible_ssh_common_args": "-o ProxyCommand=false",
            **self.settings,
        }
        (self.inventory / "group_vars/all/60-test.yml").write_text(json.dumps(own))

    def play(self, *books: str, skip: str = CLOUD_ONLY, options: tuple[str, ...] = (), **extra: Any) -> Run:
        """Run playbooks in one command; `extra` are extra variables."""
        self.write_inventory()
        arguments = ["-i", str(self.inventory), "-e", json.dumps({**extra, "playbooks": str(PLAYBOOKS)}), *options]
        return self.command(*(self._book(book) for book in books), *arguments, *(["--skip-tags", skip] if skip else []))

    def command(self, *arguments: str, cwd: Path = ROOT, program: str = "ansible-playbook") -> Run:
        known = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "SCW_"))}
        own = {
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{self.programs}:{os.environ['PATH']}",
        }
        own["ANSIBLE_COLLECTIONS_PATH"] = f"{ROOT / 'collections'}:{sysconfig.get_path('purelib')}"
        done = subprocess.run(
            [*self._own_resolver(), program, *arguments],
            cwd=cwd,
            env={**known, **self.account, **own},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=900,
            check=False,
        )
        return Run(done.returncode, done.stdout)

    def _own_resolver(self) -> list[str]:
        """What gives a command another resolv.conf, and nobody else."""
        if not self.resolver:
            return []
        mount = f'mount --bind {shlex.quote(str(self.resolver))} /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", mount, "sh"]

    def build(self, **extra: Any) -> Run:
        """The whole platform, as far as it is in the cloud."""
        parts = ["certificate.yml", "monitoring.yml", "database.yml", "portal.yml", "balancer.yml", "fleet.yml"]
        return self.play("network.yml", "images_without_machines.yml", *parts, **extra).ok()

    @staticmethod
    def _book(name: str) -> str:
        """A playbook of the tests, or one of ours."""
        own = [folder / name for folder in (Path(__file__).parent, Path(__file__).parents[1] / "versions")]
        return str(next((path for path in own if path.exists()), PLAYBOOKS / name))

    # --- what is in the cloud

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A look at the cloud, or somebody else's change."""
        token = {"X-Auth-Token": SECRET_KEY}
        answer = requests.request(method, self.lab.url + path, json=body, headers=token, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def address(self, server: str) -> str:
        found = self.api("GET", "/instance/v1/zones/fr-par-1/servers?per_page=100")["servers"]
        return next(each["public_ip"]["address"] for each in found if each["name"] == server)

    def servers(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.lab.state().get("instance_server", []) if self.tag in each["tags"]}

    def groups(self) -> list[dict[str, Any]]:
        found = self.api("GET", "/instance/v1/zones/fr-par-1/security_groups?per_page=100")["security_groups"]
        return [each for each in found if self.tag in each["tags"]]

    def images(self) -> list[str]:
        return sorted(each["name"] for each in self.lab.state().get("instance_image", []))

    def records(self) -> dict[str, str]:
        return {each["name"]: each["data"] for each in self.lab.state().get("dns_record", [])}

    def pool(self) -> list[str]:
        return sorted(self.lab.state()["lb_backend"][0]["pool"])
