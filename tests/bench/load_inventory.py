# SPDX-License-Identifier: GPL-3.0-or-later
"""`python load_inventory.py FILE`: prints the seconds in which Ansible loads an inventory, without its own start."""

from __future__ import annotations

import sys
import time

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader

init_plugin_loader()
began = time.monotonic()
hosts = InventoryManager(DataLoader(), sources=[sys.argv[1]]).hosts
print(time.monotonic() - began, len(hosts))
