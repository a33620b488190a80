# SPDX-License-Identifier: GPL-3.0-or-later
"""A local Scaleway: the API on loopback, and drivers that decide what is real behind it."""

__version__ = "0.1.0"
