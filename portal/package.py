#!/usr/bin/env python3
"""Make the directory from which the portal's container image is built.

    package.py hash                 print the content hash (12 hex digits): the same for the same source
    package.py context DIRECTORY    fill DIRECTORY with Dockerfile and lib/, print the content hash
    package.py archive FILE         the same as FILE.tar.gz, print the content hash
    package.py lock                 renew requirements.lock from pyproject.toml

The image is built with no network: lib/ holds the wheels of requirements.lock, unpacked for Python 3.13 on
x86_64 Linux, and the portal's own package. Only `context`, `archive` and `lock` use pip, on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.lock"
PYTHON = "3.13"
TARGET = [
    *("--python-version", PYTHON, "--implementation", "cp", "--only-binary", ":all:"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"),
    *("--platform", "manylinux2014_x86_64", "--platform", "any"),
]
STAMP = "content-hash"


def sources() -> list[Path]:
    """All files that decide what is in the image."""
    package = [path for path in (HERE / "ensemble_portal").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return sorted([*package, HERE / "Dockerfile", HERE / "package.py", LOCK])


def content_hash() -> str:
    digest = hashlib.sha256()
    for path in sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(HERE).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def make_context(directory: Path) -> str:
    """Fill `directory` unless it already holds this content; return the content hash."""
    desired = content_hash()
    stamp = directory / STAMP
    if stamp.is_file() and stamp.read_text().strip() == desired:
        return desired
    directory.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    lib = directory / "lib"
    shutil.rmtree(lib, ignore_errors=True)
    pip("install", "--no-compile", "--no-deps", "--require-hashes", "--target", str(lib), *TARGET, "-r", str(LOCK))
    shutil.rmtree(lib / "bin", ignore_errors=True)
    shutil.copytree(HERE / "ensemble_portal", lib / "ensemble_portal", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "Dockerfile", directory / "Dockerfile")
    stamp.write_text(desired + "\n")
    return desired


def make_archive(file: Path) -> str:
    """Write the directory as a .tar.gz; return the content hash."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        made = make_context(Path(folder) / "context")
        with tarfile.open(file, "w:gz") as archive:
            archive.add(Path(folder) / "context", ".")
    return made


def renew_lock() -> None:
    """Write the exact versions and hashes that the ranges of pyproject.toml give today."""
    desired = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        pip("download", "--dest", folder, *TARGET, *desired)
        lines = []
        for wheel in sorted(Path(folder).glob("*.whl"), key=lambda path: path.name.lower()):
            name, version = re.match(r"([^-]+)-([^-]+)-", wheel.name).groups()  # type: ignore[union-attr]
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            lines.append(f"{name.replace('_', '-').lower()}=={version} \\\n    --hash=sha256:{digest}\n")
    LOCK.write_text("# Made by `package.py lock`; for Python 3.13 on x86_64 Linux.\n" + "".join(lines))


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise SystemExit("pip could not fetch what the portal needs; see above")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("hash")
    commands.add_parser("context").add_argument("directory", type=Path)
    commands.add_parser("archive").add_argument("file", type=Path)
    commands.add_parser("lock")
    arguments = parser.parse_args()
    if arguments.command == "lock":
        renew_lock()
    elif arguments.command == "hash":
        print(content_hash())
    elif arguments.command == "archive":
        print(make_archive(arguments.file.resolve()))
    else:
        print(make_context(arguments.directory.resolve()))


if __name__ == "__main__":
    main()
