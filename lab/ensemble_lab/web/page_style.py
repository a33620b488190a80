# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page looks."""

CSS = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7c; --paper: #f6f7f9; --card: #fff; --line: #e0e5eb;
  --good: #17804f; --busy: #a15c00; --bad: #b3261e; --accent: #4b3fd1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #98a5b5; --paper: #12161c; --card: #1a2028;
  --line: #2b333e; --good: #5ccf9a; --busy: #f0b25a; --bad: #ff8a80; --accent: #a9a1ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header { padding: 1.6rem clamp(1rem, 4vw, 3rem) 0.4rem; display: flex; flex-wrap: wrap; gap: 0.3rem 1.5rem;
  align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; letter-spacing: -0.01em; }
h1 b { color: var(--accent); }
header span { color: var(--soft); }
main { padding: 0 clamp(1rem, 4vw, 3rem) 3rem; display: grid; gap: 1.2rem; grid-template-columns: minmax(0, 1fr); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
h2 { font-size: 0.95rem; margin: 0; padding: 0.8rem 1rem 0.5rem; }
h2 i { color: var(--soft); font-style: normal; font-weight: 400; }
table { border-collapse: collapse; width: 100%; }
th { font-weight: 500; color: var(--soft); font-size: 0.8rem; }
th, td { text-align: left; padding: 0.32rem 1rem; border-top: 1px solid var(--line); white-space: nowrap; }
td:first-child div { white-space: normal; min-width: 17rem; }
td:last-child { width: 100%; white-space: normal; min-width: 9rem; }
code { font: 0.88em ui-monospace, monospace; }
.good { color: var(--good); } .busy { color: var(--busy); } .bad { color: var(--bad); }
.good::before, .busy::before, .bad::before, .off::before { content: "\\25cf\\00a0"; }
.off { color: var(--soft); }
.tag { border: 1px solid var(--line); border-radius: 99px; padding: 0 0.5em; font-size: 0.8em; color: var(--soft);
  margin-right: 0.3em; white-space: nowrap; display: inline-block; line-height: 1.5; }
.bar { display: inline-block; width: 6rem; height: 0.5rem; border-radius: 4px; background: var(--line);
  vertical-align: middle; margin-right: 0.5em; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.none { color: var(--soft); padding: 0 1rem 0.9rem; margin: 0; }
"""
