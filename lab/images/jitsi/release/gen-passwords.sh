#!/usr/bin/env bash
# Stand-in of the release's script: fills the empty passwords of .env.
set -eu
cd "$(dirname "$0")"
for name in JICOFO_AUTH_PASSWORD JVB_AUTH_PASSWORD; do
    sed -i.bak "s#^$name=.*#$name=$(openssl rand -hex 16)#" .env
done
