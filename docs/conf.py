# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx: the guides of this folder, and below reference/ what antsibull-docs reads out of the collection."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

project = "Ensemble"
author = "The Ensemble maintainers"
project_copyright = "The Ensemble maintainers, GPL-3.0-or-later"
version = release = yaml.safe_load((Path(__file__).parents[1] / "galaxy.yml").read_text())["version"]

extensions = ["myst_parser", "sphinx_antsibull_ext", "sphinx_copybutton"]
exclude_patterns = ["build", "docsite"]
highlight_language = "yaml+jinja"
myst_enable_extensions = ["alert"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"
antsibull_ext_color_scheme = "none"

html_theme = "furo"
html_title = f"Ensemble {version}"
html_logo = html_favicon = "_static/mark.svg"
html_static_path = ["_static"]
html_css_files = ["ensemble.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/ensemble/ensemble",
    "source_branch": "main",
    "source_directory": "docs/",
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#12493b",
        "color-brand-content": "#0f5c49",
        "color-brand-visited": "#0f5c49",
        "color-sidebar-background": "#f7f3e9",
        "ensemble-warn": "#96360d",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8fd8bd",
        "color-brand-content": "#8fd8bd",
        "color-brand-visited": "#8fd8bd",
        "color-background-primary": "#0f1815",
        "color-background-secondary": "#17231e",
        "color-sidebar-background": "#17231e",
        "ensemble-warn": "#ffb08a",
    },
}

ANSIBLE = "https://docs.ansible.com/ansible/latest/"
PAGES = {
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "playbooks_reuse_roles": "playbook_guide/playbooks_reuse_roles.html",
}


def elsewhere(_app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.Node) -> nodes.Node | None:
    """Ansible's own pages and other collections' plugins, by the rules of docs.ansible.com: no inventory is fetched."""
    target = node["reftarget"]
    page = PAGES.get(target)
    if target.startswith("ansible_collections."):
        namespace, collection, plugin = target.removeprefix("ansible_collections.").split(".", 2)
        if (namespace, collection) != ("ensemble", "jitsi"):
            page = f"collections/{namespace}/{collection}/{plugin}.html"
    return nodes.reference("", "", content, internal=False, refuri=ANSIBLE + page) if page else None


def shorten(_app: Sphinx, document: str, source: list[str]) -> None:
    """Names in the sidebar, where antsibull-docs would have whole titles."""
    if document == "reference/index":
        named = re.sub(r"^    (\w+)_module$", r"    \1 <\1_module>", source[0], flags=re.MULTILINE)
        kinds = "role|lookup|filter|inventory"
        source[0] = re.sub(rf"^    (\w+)_({kinds})$", r"    \1 (\2) <\1_\2>", named, flags=re.MULTILINE)


def setup(app: Sphinx) -> None:
    app.connect("source-read", shorten)
    app.connect("missing-reference", elsewhere)
