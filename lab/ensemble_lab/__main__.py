# SPDX-License-Identifier: GPL-3.0-or-later
import sys

from ensemble_lab.cli import main

sys.exit(main())
