# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver that makes the cloud real on one machine: servers, disks, packets, balancers, names and registry."""

from ensemble_lab.drivers.docker.driver import DockerDriver

create = DockerDriver

__all__ = ["DockerDriver", "create"]
