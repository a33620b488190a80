# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated inputs are judged by what happens with them, never by how long a busy machine takes."""

from hypothesis import HealthCheck, settings

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")
