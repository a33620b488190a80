# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance v2alpha1: the service; its objects are those of v1, told in another form by the files of v1."""

from __future__ import annotations

from ensemble_lab.web.service import Service

SERVICE = Service("/instance/v2alpha1/zones/{zone}", lists=("volumes",))
