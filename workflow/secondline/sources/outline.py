"""Sections, tables and figures of a paper, and where a stated place is among them."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from secondline.sources.normalise import compact

Lines = tuple[int, int]  # first line, and the line after the last

_SECTIONS = {
    "abstract": ("abstract", "summary"),
    "introduction": ("introduction",),
    "methods": ("methods", "materials and methods", "patients and methods", "methods and materials", "method"),
    "results": ("results", "results and discussion"),
    "discussion": ("discussion", "results and discussion"),
    "conclusion": ("conclusion", "conclusions"),
    "keywords": ("keywords", "key words", "abbreviations", "graphical abstract"),
    "end": ("references", "acknowledgements", "acknowledgments", "acknowledgment", "funding", "disclosure"),
}
_ABSTRACT_PART = re.compile(
    r"\W*(?=[A-Z])(?i:background|purpose|aims?|objectives?|methods?|results?|conclusions?)\b(?=\s*(?:$|[:./]|[A-Z]))"
)
_NUMBERING = re.compile(r"^\s*(?:#+\s*)?(?:\d+(?:\.\d+)*\.?|[IVX]+\.)\s+")
_CAPTION = re.compile(r"^\W*((?i:table|figure|fig))\b\.?\s*(S?\d+)\s*[.:|]?\s*(?=$|[^a-z\s),;.])")
_REFERENCE = re.compile(r"\b(table|figure|fig)\b\.?\s*(S?\d+)", re.IGNORECASE)
_FOOTNOTE = re.compile(r"^\W*(?:notes?|abbreviations?)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CELL_WORDS = frozenset(["na", "nr", "ne", "ns", "nd", "ref", "reference", "yes", "no", "vs", "to"])
_LITTLE_WORDS = frozenset(["a", "and", "are", "as", "at", "by", "for", "in", "is", "of", "the", "was", "were", "with"])
_TABLE_LENGTH = 200


def _name(text: str) -> str:
    """Letters of a heading, without its number."""
    return re.sub(r"⟨.*?⟩", "", compact(_NUMBERING.sub("", text)).text)


_CANONICAL: dict[str, list[str]] = {}
for _kind, _names in _SECTIONS.items():
    for _heading in _names:
        _CANONICAL.setdefault(_name(_heading), []).append(_kind)


class Outline:
    """Headings and captions of a paper's lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._names = [_name(line) if len(line) < 160 else "" for line in lines]
        self._located: dict[str, list[Lines] | None] = {}

    def locate(self, place: str) -> list[Lines] | None:
        """Find the lines of a stated place.

        Parameters
        ----------
        place : str
            A table or figure (``Table 3, univariate``: what follows is for readers), or a section and its parts
            (``Results, Survival analysis``; ``Abstract, Results``). Words in brackets are for readers.

        Returns
        -------
        list of line ranges, or None where the paper has no such place.
        """
        if place not in self._located:
            self._located[place] = self._locate(place)
        return self._located[place]

    def _locate(self, place: str) -> list[Lines] | None:
        named = re.sub(r"\([^()]*\)", "", place)
        references = _REFERENCE.findall(named)
        if references:
            found = [lines for kind, number in references for lines in self.captioned(kind, number)]
            return found or None
        parts, first = [part.strip() for part in named.split(",")], 0
        here: list[Lines] = [(0, len(self.lines))]
        while first < len(parts):
            for last in range(first + 1, len(parts) + 1):  # a heading may hold a comma itself
                inside = self._sections(", ".join(parts[first:last]), here, is_top=first == 0)
                if inside:
                    here, first = inside, last
                    break
            else:
                return None
        return [lines for region in here for lines in self._without_tables(region)]

    def _without_tables(self, region: Lines) -> Iterator[Lines]:
        """Cut the tables out of a section, in the middle of which they may have been set."""
        start = region[0]
        for first, last in self.tables:
            if start < last and first < region[1]:
                yield start, max(start, first)
                start = last
        if start < region[1]:
            yield start, region[1]

    def captioned(self, kind: str, number: str) -> list[Lines]:
        """Lines of a table or figure by its number, its continuations included."""
        initial = kind[0].lower()
        return [lines for (i, n), lines in self._captions if (i, n) == (initial, number.upper())]

    @cached_property
    def tables(self) -> list[Lines]:
        """Lines of every table."""
        return [lines for (kind, _), lines in self._captions if kind == "t"]

    @cached_property
    def _captions(self) -> list[tuple[tuple[str, str], Lines]]:
        found = []
        for at, line in enumerate(self.lines):
            match = _CAPTION.match(line)
            if match:
                kind, number = match[1][0].lower(), match[2].upper()
                end = self._table_end(at) if kind == "t" else self._caption_end(at)
                found.append(((kind, number), (at, end)))
        return found

    def _table_end(self, start: int) -> int:
        for at in range(start + 1, min(len(self.lines), start + _TABLE_LENGTH)):
            line, following = self.lines[at], self._following(at)
            if _CAPTION.match(line) or _FOOTNOTE.match(line) or _is_prose(self.lines[at : at + 3]):
                return at
            if self._is_heading(at) and (self._names[at] in _CANONICAL or len(_WORD.findall(following)) >= 12):
                return at
        return min(len(self.lines), start + _TABLE_LENGTH)

    def _caption_end(self, start: int) -> int:
        for at in range(start + 1, min(len(self.lines), start + 10)):
            if not self.lines[at].strip() or _CAPTION.match(self.lines[at]) or self._is_heading(at):
                return at
        return min(len(self.lines), start + 10)

    def rows(self, table: Lines) -> list[Lines]:
        """Rows of a table: a line with a label, and the lines of cells that follow it."""
        starts = [at for at in range(*table) if at == table[0] or _has_label(self.lines[at])]
        return list(zip(starts, [*starts[1:], table[1]], strict=True))

    def _sections(self, name: str, within: list[Lines], is_top: bool) -> list[Lines]:
        wanted = _name(name)
        if is_top and wanted in _CANONICAL:
            kinds = set(_CANONICAL[wanted])
            return [lines for found, lines in self._top_sections if kinds & set(found)]
        return [lines for region in within for lines in self._subsections(wanted, region)]

    @cached_property
    def _abstract(self) -> Lines | None:
        """The abstract, whose own parts are called like the sections of the paper."""
        start = next((at for at, name in enumerate(self._names) if "abstract" in _CANONICAL.get(name, [])), None)
        if start is None:
            return None
        seen: set[str] = set()
        for at in range(start + 1, len(self.lines)):
            kinds = _CANONICAL.get(self._names[at], [])
            twice = any(kind in seen for kind in kinds)
            if twice or {"introduction", "keywords"} & set(kinds) or self._names[at].startswith("keywords"):
                return start, at
            seen |= set(kinds)
        return start, start + 1

    @cached_property
    def _top_sections(self) -> list[tuple[list[str], Lines]]:
        """Sections outside the abstract, which comes first."""
        abstract = self._abstract or (0, 0)
        starts = [
            (at, _CANONICAL[name])
            for at, name in enumerate(self._names)
            if _CANONICAL.get(name, ["keywords"]) != ["keywords"] and not abstract[0] <= at < abstract[1]
        ]
        bounds = [*(at for at, _ in starts), len(self.lines)]
        sections = [(kinds, lines) for (_, kinds), lines in zip(starts, pairwise(bounds), strict=True)]
        return [*([(["abstract"], abstract)] if self._abstract else []), *sections]

    def _subsections(self, wanted: str, region: Lines) -> Iterator[Lines]:
        """Parts of a region under a heading, be it on lines of its own or at the head of a paragraph."""
        if len(wanted) < 2:
            return
        starts = [at for at in range(*region) if self._names[at] == wanted]
        starts = starts or [at for at in range(*region) if self._begins(wanted, at)]
        starts = starts or [at for at in range(*region) if self._runs_in(wanted, at)]
        for start in starts:
            ends = (at for at in range(start + 1, region[1]) if self._ends_part(at, wanted, region))
            yield start, next(ends, region[1])

    def _begins(self, wanted: str, at: int) -> bool:
        """Say whether a heading that is broken over two lines begins here."""
        first, rest = self._names[at], wanted[len(self._names[at]) :]
        return len(first) >= 8 and wanted.startswith(first) and bool(rest) and self._names[at + 1 : at + 2] == [rest]

    @cached_property
    def _heads(self) -> list[str]:
        """What every line that begins like a sentence begins with."""
        return [_name(line[:120]) if line.lstrip()[:1].isupper() else "" for line in self.lines]

    def _runs_in(self, wanted: str, at: int) -> bool:
        return len(wanted) >= 5 and self._heads[at].startswith(wanted)

    def _ends_part(self, at: int, wanted: str, region: Lines) -> bool:
        if self._names[at] and wanted.startswith(self._names[at]):
            return False
        if region == self._abstract and _ABSTRACT_PART.match(self.lines[at]):
            return True
        return self._is_heading(at) and not any(first <= at < last for first, last in self.tables)

    def _following(self, at: int) -> str:
        return next((text.strip() for text in self.lines[at + 1 : at + 4] if text.strip()), "")

    def _is_heading(self, at: int) -> bool:
        """Say whether a line looks like a heading: short, apart from what precedes it, above a long line."""
        line = self.lines[at].strip()
        if _CANONICAL.get(self._names[at], ["keywords"]) != ["keywords"]:
            return True
        title = _NUMBERING.sub("", line)
        if not title[:1].isupper() or "\t" in line or title[-1:] in ".,;:" or len(title.split()) > 12:
            return False
        before = self.lines[at - 1].strip() if at else ""
        following = self._following(at)
        apart = not before or before[-1] in ".)]"
        above = len(_WORD.findall(following)) >= 8 and len(line) <= 0.7 * len(following)
        return apart and above and not re.search(r"\d", title)


def _is_prose(lines: Sequence[str]) -> bool:
    """Say whether a text begins here: a long line of words, or three short ones held together by little words."""
    words = [_WORD.findall(line) for line in lines]
    if len(words[0]) >= 10 and len(words[0]) > 4 * len(_NUMBER.findall(lines[0])):
        return True
    little = sum(word.lower() in _LITTLE_WORDS for line in words for word in line)
    return len(lines) == 3 and all(len(line) >= 4 for line in words) and little >= 4


def _has_label(line: str) -> bool:
    return any(word.lower() not in _CELL_WORDS for word in _WORD.findall(line))
