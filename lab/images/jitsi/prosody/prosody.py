# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a real Prosody as the official container does: checks, configuration on /run, accounts kept in storage."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from string import Template

from startup import rendered_config, required, writable

CONFIG = Path("/run/prosody/prosody.cfg.lua")


def main() -> None:
    writable("/var/lib/prosody")
    accounts = {
        "focus": required("JICOFO_AUTH_PASSWORD"),
        os.environ.get("JVB_AUTH_USER") or "jvb": required("JVB_AUTH_PASSWORD"),
    }
    rendered_config("prosody")
    auth_domain = os.environ.get("XMPP_AUTH_DOMAIN") or "auth.meet.jitsi"
    proxies = (os.environ.get("PROSODY_TRUSTED_PROXIES") or "127.0.0.1,::1").split(",")
    template = Template(Path("/usr/lib/stand-in/prosody.cfg.lua").read_text())
    CONFIG.write_text(
        template.substitute(
            domain=os.environ.get("XMPP_DOMAIN") or "meet.jitsi",
            auth_domain=auth_domain,
            muc_domain=os.environ.get("XMPP_MUC_DOMAIN") or "muc.meet.jitsi",
            log_level=os.environ.get("LOG_LEVEL") or "info",
            metrics_cidr=os.environ.get("PROSODY_METRICS_ALLOWED_CIDR") or "172.16.0.0/12",
            trusted_proxies=", ".join(f'"{proxy.strip()}"' for proxy in proxies),
        )
    )
    for user, password in accounts.items():
        # An account that is there keeps its password, as with the official image.
        if not (Path("/var/lib/prosody") / auth_domain.replace(".", "%2e") / "accounts" / f"{user}.dat").exists():
            command = ["prosodyctl", "--config", str(CONFIG), "register", user, auth_domain, password]
            subprocess.run(command, check=True)
    os.execvp("prosody", ["prosody", "--config", str(CONFIG), "-F"])


if __name__ == "__main__":
    main()
