# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of the parts of a managed database instance has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Which instance, and how long to wait for it."""

    DOCUMENTATION = r"""
options:
  instance:
    description: Name or id of the database instance.
    type: str
    required: true
  wait_timeout:
    description: Seconds to wait for an instance that is being changed.
    type: int
    default: 600
"""
