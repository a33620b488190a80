# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the collection is: `python -m tests.bench`, beside what people use today, on a cloud that takes its time."""
