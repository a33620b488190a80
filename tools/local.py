"""What tools/where and tools/ssh ask the local Scaleway."""

import base64
import json
import urllib.request
from urllib.parse import quote

LAB = "http://127.0.0.1:8900"
TOKEN = "22222222-2222-4222-8222-222222222222"
SECRETS = "/secret-manager/v1beta1/regions/fr-par/secrets"


def api(path: str) -> dict:
    request = urllib.request.Request(LAB + path, headers={"X-Auth-Token": TOKEN})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def addresses() -> dict[str, str | None]:
    """Public addresses of all servers by name."""
    servers = api("/instance/v1/zones/fr-par-1/servers?per_page=100")["servers"]
    return {server["name"]: (server["public_ip"] or {}).get("address") for server in servers}


def secret(name: str, file: str) -> str | None:
    """One file of a secret of the platform, None where there is no such secret."""
    path = quote("/ensemble/local", safe="")
    found = api(f"{SECRETS}?scheduled_for_deletion=false&path={path}&name={name}")["secrets"]
    if not found:
        return None
    version = api(f"{SECRETS}/{found[0]['id']}/versions/latest_enabled/access")
    return json.loads(base64.b64decode(version["data"]))[file]
