# SPDX-License-Identifier: GPL-3.0-or-later
"""A package, so that its lab goes when its last test has run."""
