"""What the site does beside Sphinx: its navigation out of README, names in docstrings, a look at what pages load."""

from __future__ import annotations

import builtins
import dataclasses
import re
import shutil
from html.parser import HTMLParser
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_annotation, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

import tileframe

logger = logging.getLogger(__name__)

LONG = 200
"""Characters of a value that is shown."""
GROUP = re.compile(r"^\*\*(.+)\*\*\n\n((?:[* ] .+\n)+)", re.MULTILINE)
ENTRY = re.compile(r"^\* \[(.+?)\]\((.+?)\.md\)", re.MULTILINE)
ELSEWHERE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


def with_navigation(app: Sphinx, page: str, text: list[str]) -> None:
    """Make the navigation of the groups of links that end README, where they can be read without the site, too."""
    if page == app.config.root_doc:
        groups = [("", [("Start", "self")]), *((name, ENTRY.findall(links)) for name, links in GROUP.findall(text[0]))]
        for caption, entries in groups:
            lines = "\n".join(f"{title.replace('`', '')} <{target}>" for title, target in entries)
            title = f":caption: {caption}\n" if caption else ""
            text[0] += f"\n```{{toctree}}\n:hidden:\n{title}\n{lines}\n```\n"


def tidied(app: Sphinx, page: nodes.document) -> None:
    """Take no type of Python's own, as ``bytes``, for a field of that name; leave out values of many lines."""
    for reference in page.findall(pending_xref):
        if reference.get("refdomain") == "py" and hasattr(builtins, reference["reftarget"]):
            reference["reftarget"] = f"builtins.{reference['reftarget']}"
    for value in list(page.findall(desc_annotation)):
        if value.astext().startswith(" = ") and len(value.astext()) > LONG:
            value.parent.remove(value)


def public_name(
    app: Sphinx, env: BuildEnvironment, reference: pending_xref, content: nodes.Node
) -> nodes.Element | None:
    """Resolve a name that a docstring gives without its module, as `Spec`, where just one object has it."""
    if reference.get("refdomain") != "py":
        return None
    domain, target = env.domains.python_domain, reference["reftarget"]
    found = [one for _, one in domain.find_obj(env, "", "", target, None, 1) if not one.aliased]
    if len(found) != 1:
        return None
    return make_refnode(app.builder, reference["refdoc"], found[0].docname, found[0].node_id, content, target)


def readable_defaults(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Show an empty mapping as the default of a record's field, not that something makes it."""
    return signature and signature.replace("<factory>", "{}"), returns


def with_signatures() -> None:
    """Give the records of `tileframe.frozen` the signature that each would have by Python's own dataclasses."""
    for record in (getattr(tileframe, name) for name in tileframe.__all__):
        if isinstance(record, type) and dataclasses.is_dataclass(record):
            parameters = []
            for one in dataclasses.fields(record):
                kind = Parameter.KEYWORD_ONLY if one.kw_only else Parameter.POSITIONAL_OR_KEYWORD
                default: Any = Parameter.empty if one.default is dataclasses.MISSING else one.default
                if one.default_factory is not dataclasses.MISSING:
                    default = one.default_factory()
                parameters.append(Parameter(one.name, kind, default=default, annotation=one.type))
            # As Python has them: what is given by name alone comes last.
            parameters.sort(key=lambda one: one.kind)
            record.__signature__ = Signature(parameters)  # type: ignore[attr-defined]


def without_tests(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """Leave out the tests of the kit's classes: docs/contracts.md says what each of them finds."""
    return True if name.startswith("test_") else None


class _Loads(HTMLParser):
    """Collects what a page loads of itself: links that are only followed are none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset", "poster", "data") or (tag == "link" and name == "href"):
                self.found.append(value or "")
            elif name == "style":
                self.found += IN_STYLES.findall(value or "")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.found += IN_STYLES.findall(data)


def loaded_from_elsewhere(path: Path) -> list[str]:
    """Return the addresses on other servers that a browser asks for to show the page or the style sheet ``path``."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return IN_STYLES.findall(text)
    page = _Loads()
    page.feed(text)
    return [address for address in page.found if ELSEWHERE.match(address)]


def finish(app: Sphinx, error: Exception | None) -> None:
    """Let README be the first page, and warn of what is loaded from elsewhere: the site must work without the net."""
    if error is not None or app.builder.name != "html":
        return
    shutil.copyfile(app.outdir / f"{app.config.root_doc}.html", app.outdir / "index.html")
    for path in sorted(one for kind in ("html", "css") for one in app.outdir.rglob(f"*.{kind}")):
        for address in loaded_from_elsewhere(path):
            logger.warning("%s loads %s from elsewhere", path.relative_to(app.outdir), address)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect each to the moment when Sphinx calls it."""
    with_signatures()
    app.connect("source-read", with_navigation)
    app.connect("doctree-read", tidied)
    app.connect("autodoc-process-signature", readable_defaults)
    app.connect("autodoc-skip-member", without_tests)
    app.connect("missing-reference", public_name)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True}
