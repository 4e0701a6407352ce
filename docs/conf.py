"""The documentation site: every page of the repository, and a reference made from docstrings and commands.

The source folder is the repository itself, so that the pages are the very files that people read there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tileframe

sys.path.insert(0, str(Path(__file__).parent))  # for `command_line` and `tileframe_site`

project = "tileframe"
copyright = "the tileframe authors"
version = release = tileframe.__version__
html_title = f"tileframe {version}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click", "tileframe_site"]
root_doc = "README"
source_suffix = {".md": "markdown"}
include_patterns = ["*.md", "docs/**.md", "benchmarks/*.md", "plugins/example/README.md"]
exclude_patterns = ["**/node_modules", "build", "dist", ".venv", "**/.*"]

myst_heading_anchors = 4

smartquotes = False  # they would make a dash of the two that an option begins with

highlight_language = "text"  # of blocks that name none
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
toc_object_entries = False  # every field of every record, on every page
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # it is fetched, which browsers refuse where the site is opened as files
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options: dict[str, list[str]] = {"footer_icons": []}
