# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is shown: neither values under names that look secret, nor private keys."""

from __future__ import annotations

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.masking import looks_secret, masked, secrets_in
from hypothesis import given
from hypothesis import strategies as st

SECRET = ["JWT_APP_SECRET", "TURN_CREDENTIALS", "LDAP_BINDPW", "LDAP_BIND_PW", "JIGASI_XMPP_PASSWORD", "SENTRY_DSN"]
SECRET += ["GC_API_KEY", "API_TOKEN", "tls-private-key", "JVB_AUTH_PASSWORD", "aws_secret_access_key", "SSH_KEY"]
OPEN = ["DOMAIN", "PORTAL_URL", "MAX_PARTICIPANTS", "ENABLE_AUTH", "AUTH_TYPE", "TZ", "JVB_PORT", "tls-certificate"]
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=6, max_size=20).filter(
    lambda text: not text.startswith(("hidden", '"', "'")) and not text.endswith(('"', "'"))
)


@pytest.mark.parametrize("name", SECRET)
def test_names_that_look_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", OPEN)
def test_names_that_do_not(name: str) -> None:
    assert not looks_secret(name)


@given(name=st.sampled_from(SECRET[:6]), secret=VALUES, shown=st.sampled_from(["8x8", "meet.example.org"]))
def test_lines_of_a_text(name: str, secret: str, shown: str) -> None:
    text = f"DOMAIN={shown}\n{name}={secret}\nexport {name} = '{secret}'\n"
    seen = masked({"jitsi-env": text})["jitsi-env"]
    assert f"DOMAIN={shown}\n" in seen
    assert seen.count(f"{name}=hidden ") == 1
    assert secret not in seen.replace(shown, "").replace(name, "").replace("hidden", "")
    assert set(secrets_in({"jitsi-env": text})) == {secret}


@given(name=st.sampled_from(SECRET), secret=VALUES)
def test_values_by_their_keys(name: str, secret: str) -> None:
    assert str(masked({name: secret})[name]).startswith("hidden ")
    assert list(secrets_in({name: secret})) == [secret]


def test_private_keys_under_any_name() -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n"
    assert "MHcCAQEE" not in str(masked({"pem": key, "both": f"# chain\n{key}"}))


def test_a_change_of_a_secret_is_seen() -> None:
    assert masked({"SECRET": "one and one"}) == masked({"SECRET": "one and one"}) != masked({"SECRET": "one and two"})


def test_short_values_are_left_in_the_output() -> None:
    """They would blot out much that is no secret."""
    assert list(secrets_in({"env": "ENABLE_TOKEN=1\nTOKEN=true\n"})) == []
    assert masked({"env": "TOKEN=true"})["env"].startswith("TOKEN=hidden ")
