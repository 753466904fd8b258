"""What the HTML of a built site names: anchors, links, and everything that a browser loads with a page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

_NOT_LOADED = {"canonical", "next", "prev", "alternate", "author", "license"}  # of <link>
_IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@dataclass
class BuiltPage(HTMLParser):
    """One page: its anchors, where it links to, and what it loads."""

    file: Path
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the file."""
        super().__init__()
        self._in_style = False
        self.feed(self.file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element names."""
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.anchors |= {given[name] for name in ("id", "name") if name in given and tag != "meta"}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and not set(given.get("rel", "").split()) & _NOT_LOADED:
            self.loaded.append(given.get("href", ""))
        self.loaded += [given[name] for name in ("src", "data", "poster") if name in given]
        self.loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        self.loaded += loaded_by_style(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Note what a style sheet within the page loads."""
        if self._in_style:
            self.loaded += loaded_by_style(data)


def loaded_by_style(text: str) -> list[str]:
    """List what a style sheet loads."""
    return [first or second for first, second in _IN_STYLE.findall(text)]


def built_pages(site: Path) -> dict[Path, BuiltPage]:
    """Read every page of a site."""
    return {file: BuiltPage(file) for file in sorted(site.rglob("*.html"))}


def is_elsewhere(address: str) -> bool:
    """Whether an address names a host, or anything else that is not a file of the site."""
    return bool(re.match(r"(?!data:)[a-z][a-z0-9+.-]*:|//", address, flags=re.IGNORECASE))


def broken(site: Path, pages: dict[Path, BuiltPage]) -> Iterator[str]:
    """Complain about links within the site that lead nowhere: a page or file that is not there, or an anchor."""
    for page in pages.values():
        for address in page.links + page.loaded:
            if is_elsewhere(address) or address.startswith("data:"):
                continue
            path, anchor = urldefrag(address)
            start = site if path.startswith("/") else page.file.parent
            target = (start / unquote(path).lstrip("/")).resolve() if path else page.file
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or not target.is_relative_to(site):
                yield f"{page.file.name}: {address}: no such file"
            elif anchor and target.suffix == ".html" and unquote(anchor) not in pages[target].anchors:
                yield f"{page.file.name}: {address}: no such anchor"
