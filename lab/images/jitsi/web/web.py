# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a real nginx as the official web container does: keys, hooks for own configuration, redirect, rooms."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from string import Template

from startup import enabled, rendered_config, required, writable

KEYS = Path("/storage/keys")
MEET = """
    root /usr/share/jitsi-meet;
    include /run/web/config/nginx-custom/*.conf;
    add_header X-Jitsi-Shard "{shard}";
    location = /config.js {{ default_type text/javascript; alias /run/web/config.js; }}
    location = /external_api.js {{ default_type text/javascript; return 200 "/* stand-in */"; }}
    location = /http-bind {{
        resolver 127.0.0.11;
        set $prosody {xmpp};
        proxy_pass http://$prosody:5280/http-bind?$args;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header Host {domain};
    }}
    location = /xmpp-websocket {{
        resolver 127.0.0.11;
        set $prosody {xmpp};
        proxy_pass http://$prosody:5280/xmpp-websocket?$args;
        proxy_http_version 1.1;
        proxy_set_header Connection "upgrade";
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Host {domain};
        proxy_read_timeout 900s;
    }}
    location ~ ^/([^/?&:'"]+)$ {{ try_files $uri /index.html; }}
"""


def take_keys(config: Path) -> None:
    """The pair of /config, else what storage has, else one that nobody trusts."""
    KEYS.mkdir(exist_ok=True)
    given = config / "keys"
    if (given / "cert.crt").exists() and (given / "cert.key").exists():
        for name in ("cert.crt", "cert.key"):
            # As the official script does: what cannot be overwritten stays, and the script goes on.
            subprocess.run(["cp", str(given / name), str(KEYS / name)], check=False)
    elif not (KEYS / "cert.crt").exists():
        pair = ["-out", str(KEYS / "cert.crt"), "-keyout", str(KEYS / "cert.key")]
        kind = ["-new", "-x509", "-days", "3650", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=self-signed"]
        subprocess.run(["openssl", "req", *kind, *pair], check=True)


def render(config: Path) -> None:
    domain = os.environ.get("XMPP_DOMAIN") or "meet.jitsi"
    public_url = required("PUBLIC_URL")
    meet = MEET.format(
        shard=os.environ.get("DEPLOYMENTINFO_SHARD") or "shard",
        xmpp=os.environ.get("XMPP_SERVER") or "xmpp.meet.jitsi",
        domain=domain,
    )
    site = Template(Path("/usr/lib/stand-in/meet.conf").read_text()).substitute(
        http="return 301 https://$host$request_uri;" if enabled("ENABLE_HTTP_REDIRECT") else meet,
        hsts='add_header Strict-Transport-Security "max-age=63072000" always;' if enabled("ENABLE_HSTS", "1") else "",
        meet=meet,
    )
    for folder in ("nginx/site-confs", "nginx-custom"):
        (config / folder).mkdir(parents=True, exist_ok=True)
    (config / "nginx/site-confs/default").write_text(site)
    (config / "nginx/nginx.conf").write_text(
        Template(Path("/usr/lib/stand-in/nginx.conf").read_text()).substitute(
            workers=os.environ.get("NGINX_WORKER_PROCESSES") or "4",
            connections=os.environ.get("NGINX_WORKER_CONNECTIONS") or "768",
        )
    )
    settings = {
        "hosts": {"domain": domain, "muc": os.environ.get("XMPP_MUC_DOMAIN") or "muc.meet.jitsi"},
        "bosh": f"{public_url}/http-bind",
        "websocket": f"{public_url.replace('http', 'ws', 1)}/xmpp-websocket",
    }
    custom = Path("/config/custom-config.js")
    own = custom.read_text() if custom.exists() else ""
    Path("/run/web/config.js").write_text(f"var config = {json.dumps(settings, indent=1)};\n{own}")


def main() -> None:
    writable("/storage")
    config = rendered_config("web")
    take_keys(config)
    render(config)
    os.execvp("nginx", ["nginx", "-c", str(config / "nginx/nginx.conf")])


if __name__ == "__main__":
    main()
