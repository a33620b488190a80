#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the stand-ins of docker-jitsi-meet: container images in a registry, and the release archive.

The official images and archive cannot be had without a network. The stand-ins have their ports, paths, variables,
health and metric endpoints, with real nginx, real Prosody and the real nginx exporter from Debian. Debian with
Python stands in for the portal's base image.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
RELEASE = "stable-11146-2"
IMAGES = {
    "web": RELEASE, "prosody": RELEASE, "jicofo": RELEASE, "jvb": RELEASE, "nginx-prometheus-exporter": "1.5.3",
}  # fmt: skip
PYTHON = "3.13-slim-trixie"
PYTHON_PACKAGES = "apt,python3-minimal,libpython3-stdlib,ca-certificates,tzdata"


def run(*command: str, stdin: str = "") -> None:
    """Run quietly; a failure ends the program with what the command said."""
    done = subprocess.run(command, input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")


def content_hash(*parts: Path) -> str:
    """Hash of files and folders (without caches), 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(HERE)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def is_here(reference: str) -> bool:
    return not subprocess.run(["docker", "image", "inspect", reference], capture_output=True).returncode


def python_image() -> str:
    """Debian with Python and nothing else: stand-in of python:3.13-slim-trixie, and base of the others."""
    reference = f"ensemble-lab/python:{hashlib.sha256(PYTHON_PACKAGES.encode()).hexdigest()[:12]}"
    if not is_here(reference):
        print("stand-in base: Debian with Python", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "python.tar"
            options = ["--variant=essential", f"--include={PYTHON_PACKAGES}", "--dpkgopt=force-unsafe-io"]
            without = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
            options += [f"--dpkgopt=path-exclude={path}" for path in without]
            run("mmdebstrap", *options, "trixie", str(archive))
            run("docker", "import", str(archive), reference)
    run("docker", "tag", reference, "ensemble-lab/python:3.13-trixie")
    return reference


def build(name: str, base_argument: str, base: str, *parts: Path) -> str:
    """Build one image from its folder unless it is here already; returns its reference by content."""
    reference = f"ensemble-lab/jitsi-{name}:{hashlib.sha256((base + content_hash(*parts)).encode()).hexdigest()[:12]}"
    if not is_here(reference):
        print(f"stand-in {name}", file=sys.stderr)
        run("docker", "build", "-q", "--build-arg", f"{base_argument}={base}", "-t", reference, str(HERE / name))
    return reference


def images() -> dict[str, str]:
    """References on this machine, by the names of the official images."""
    python = python_image()
    common = build("common", "PYTHON_IMAGE", python, HERE / "common")
    return {"python": python, **{name: build(name, "COMMON_IMAGE", common, HERE / name) for name in IMAGES}}


def push(built: dict[str, str], registry: str, token: str) -> None:
    """Push all images, with a login that does not stay in the user's Docker configuration."""
    with tempfile.TemporaryDirectory() as folder:
        docker = ("docker", "--config", folder)
        run(*docker, "login", "-u", "stand-ins", "--password-stdin", registry.partition("/")[0], stdin=token)
        for name, tag in {"python": PYTHON, **IMAGES}.items():
            target = f"{registry}/{name}:{tag}"
            run(*docker, "tag", built[name], target)
            run(*docker, "push", "-q", target)


def save(built: dict[str, str], registry: str, file: Path) -> None:
    """Write all images, named as they would be in the registry, to a file for `docker load`."""
    targets = {name: f"{registry}/{name}:{tag}" for name, tag in IMAGES.items()}
    for name, target in targets.items():
        run("docker", "tag", built[name], target)
    run("docker", "save", "-o", str(file), *targets.values())


def public_namespace(lab: str, token: str, registry: str) -> None:
    """The namespace that the images are pushed to, in the lab's registry API; anybody may pull from it."""
    host, _, namespace = registry.partition("/")
    url = f"{lab}/registry/v1/regions/fr-par/namespaces"
    headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{url}?name={namespace}", headers=headers), timeout=10
    ) as answer:
        if any(space["name"] == namespace for space in json.load(answer)["namespaces"]):
            return
    body = json.dumps({"name": namespace, "description": "Stand-ins of docker-jitsi-meet", "is_public": True})
    urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=10).close()
    print(f"registry namespace {host}/{namespace}", file=sys.stderr)


def archive(output: Path) -> str:
    """Write the release archive and its .sha256 beside it; the same bytes each time. Returns the checksum."""
    top = f"docker-jitsi-meet-{RELEASE}"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path in sorted((HERE / "release").iterdir()):
            entry = tarfile.TarInfo(f"{top}/{path.name}")
            entry.size, entry.mode = path.stat().st_size, 0o755 if path.suffix == ".sh" else 0o644
            with path.open("rb") as content:
                tar.addfile(entry, content)
    packed = gzip.compress(plain.getvalue(), mtime=0)
    checksum = hashlib.sha256(packed).hexdigest()
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{top}.tar.gz").write_bytes(packed)
    (output / f"{top}.tar.gz.sha256").write_text(f"{checksum}  {top}.tar.gz\n")
    return checksum


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for the release archive and its checksum")
    parser.add_argument(
        "--registry", metavar="HOST:PORT/NAMESPACE", help="where to push to; nothing is pushed without it"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write the images, named for the registry, to a file; push nothing"
    )
    parser.add_argument("--lab", metavar="URL", help="the lab's API, in which the namespace is made")
    parser.add_argument("--token", help="the lab's secret key, which is also the registry's password")
    arguments = parser.parse_args()
    for program in ("docker", "mmdebstrap"):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed: see lab/images/machine/host-packages.txt")
    archive(arguments.output)
    built = images()
    if arguments.save:
        save(built, arguments.registry or "stand-in.test/jitsi", arguments.save)
    elif arguments.registry:
        if arguments.lab:
            public_namespace(arguments.lab, arguments.token, arguments.registry)
        push(built, arguments.registry, arguments.token or "")


if __name__ == "__main__":
    try:
        main()
    except urllib.error.URLError as error:
        sys.exit(f"the lab does not answer: {error}")
