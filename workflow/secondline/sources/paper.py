"""A paper as one compact text that remembers its lines."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import attrgetter

from secondline.sources.normalise import CLOSE, OPEN, Compact, clean, compact
from secondline.sources.outline import Outline

Span = tuple[int, int]
GAP = 400  # the most that an ellipsis in a printed string may leave out, in characters of the compact text


@dataclass(frozen=True)
class Paper:
    """The lines of a paper."""

    lines: tuple[str, ...]

    @cached_property
    def outline(self) -> Outline:
        """Sections, tables and figures of the paper."""
        return Outline(self.lines)

    @cached_property
    def _parts(self) -> list[Compact]:
        return [compact(line) for line in self.lines]

    @cached_property
    def offsets(self) -> list[int]:
        """Offset of every line in the compact text, and the text's length."""
        return list(accumulate((len(part.text) for part in self._parts), initial=0))

    @cached_property
    def text(self) -> str:
        """The compact text of all lines."""
        return "".join(part.text for part in self._parts)

    def _marks(self, name: str) -> frozenset[int]:
        marks = map(attrgetter(name), self._parts)
        return frozenset(at + mark for at, found in zip(self.offsets, marks, strict=False) for mark in found)

    @cached_property
    def _starts(self) -> frozenset[int]:
        return self._marks("starts")

    @cached_property
    def _ends(self) -> frozenset[int]:
        return self._marks("ends")

    def line_at(self, offset: int) -> int:
        """Line of an offset of the compact text, counted from 0."""
        return bisect_right(self.offsets, offset) - 1

    def span(self, lines: Span) -> Span:
        """Offsets of a range of lines."""
        return self.offsets[lines[0]], self.offsets[lines[1]]

    def occurrences(self, piece: str, span: Span) -> Iterator[Span]:
        """Every place of a compact string within a span, whole numbers and words only.

        A number is not found in a bound: 0.001 does not stand in ``<0.001``.
        """
        at = self.text.find(piece, *span)
        while piece and at >= 0:
            end = at + len(piece)
            if self._is_whole(piece, at, end):
                yield at, end
            at = self.text.find(piece, at + 1, span[1])

    def _is_whole(self, piece: str, at: int, end: int) -> bool:
        if piece[0] == OPEN and at and self.text[at - 1] in "<>≤≥":
            return False
        if piece[0].isalpha() and at not in self._starts:
            return False
        return piece[-1] == CLOSE or not piece[-1].isalpha() or end - 1 in self._ends

    def find(self, pieces: Sequence[str], span: Span) -> int | None:
        """Offset of the first place of pieces that follow one another, at most `GAP` apart."""
        starts = self.occurrences(pieces[0], span) if pieces else iter(())
        return next((at for at, end in starts if self._continues(pieces[1:], end, span[1])), None)

    def _continues(self, pieces: Sequence[str], start: int, stop: int) -> bool:
        for piece in pieces:
            window = (start, min(stop, start + GAP + len(piece)))
            following = next(self.occurrences(piece, window), None)
            if following is None:
                return False
            start = following[1]
        return True

    def search(self, pattern: re.Pattern[str], span: Span) -> int | None:
        """Offset of the first line of a span that holds a pattern, brackets and all."""
        for at in range(self.line_at(span[0]), self.line_at(max(span[0], span[1] - 1)) + 1):
            if pattern.search(clean(self.lines[at])):
                return self.offsets[at]
        return None
