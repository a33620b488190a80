"""The one answer of Scaleway's API that service discovery asks for: a few servers, one of them stopped."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer


def server(number: int, name: str, role: str, *, state: str = "running", tags: tuple[str, ...] = ()) -> dict:
    address = {"id": f"00000000-0000-4000-8000-0000000000{number:02}", "address": f"127.0.1.{number}", "dynamic": False}
    return {
        "id": f"11111111-0000-4000-8000-0000000000{number:02}",
        "name": name,
        "hostname": name,
        "commercial_type": "DEV1-L",
        "boot_type": "local",
        "organization": "11111111-1111-4111-8111-111111111111",
        "project": "11111111-1111-4111-8111-111111111111",
        "zone": "fr-par-1",
        "state": state,
        "tags": ["ensemble:test", f"ensemble-role:{role}", *tags],
        "image": {"id": "22222222-0000-4000-8000-000000000000", "name": "ensemble-jitsi", "arch": "x86_64"},
        "security_group": {"id": "33333333-0000-4000-8000-000000000000", "name": "ensemble"},
        "location": {"zone_id": "par1", "hypervisor_id": "1", "cluster_id": "1", "node_id": "1", "platform_id": "1"},
        "public_ip": address,
        "public_ips": [address],
        "private_ip": None,
        "ipv6": None,
        "volumes": {},
    }


FLEET = [
    server(1, "h-1", "jitsi"),
    server(2, "h-2", "jitsi", tags=("ensemble-state:draining",)),
    server(3, "api-1", "api"),
    server(4, "h-3", "jitsi", state="stopped"),
    server(5, "builder-jitsi", "builder-jitsi"),
    server(6, "database-1", "database"),
]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        right = self.path.startswith("/instance/v1/zones/fr-par-1/servers") and "tags=ensemble%3Atest" in self.path
        right = right and self.headers.get("X-Auth-Token") == "22222222-2222-4222-8222-222222222222"
        body = json.dumps({"servers": FLEET} if right else {"message": "authentication is denied"}).encode()
        self.send_response(200 if right else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Total-Count", str(len(FLEET)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("127.0.0.1", 8900), Handler).serve_forever()
