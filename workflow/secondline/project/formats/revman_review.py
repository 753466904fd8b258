"""Reviews of RevMan 5 (`.rm5`): the rows of all their analyses, under the names that RevMan Web gives them."""

from collections.abc import Iterator
from xml.parsers import expat

from secondline.errors import UserError
from secondline.project.formats.files import Asked, Cells, FileKind, table_of

_FIGURES = {
    "EVENTS": "cases",
    "TOTAL": "N",
    "MEAN": "mean",
    "SD": "SD",
}
_SIDES = {"1": "Experimental", "2": "Control"}
_KINDS = ("DICH", "CONT", "IV", "IPD")
_DATA = {f"{kind}_DATA" for kind in _KINDS}
_OUTCOMES = {f"{kind}_OUTCOME" for kind in (*_KINDS, "OTHER")}
_SUBGROUPS = {f"{kind}_SUBGROUP" for kind in _KINDS}
_MOST_LEVELS = 100


class _RevMan5(FileKind):
    title = "a review of RevMan 5"

    def recognises(self, file: str, content: bytes) -> bool:
        start = content[:2_000].lstrip(b"\xef\xbb\xbf \t\r\n")
        return start.startswith(b"<") or (start.startswith((b"\xff\xfe<", b"\xfe\xff\0<")))

    def cells(self, file: str, content: bytes, asked: Asked) -> Cells:
        review = _Review(file)
        review.read(content)
        if not review.rows:
            raise UserError("no analysis with the data of a study, as reviews of RevMan have them", file)
        rows = [{**row, "Study": review.studies.get(row["Study"], row["Study"])} for _, row in review.rows]
        return table_of(file, rows, [line for line, _ in review.rows], "a review of RevMan 5")


class _Review:
    """What stands in a review, as the parser comes to it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.studies: dict[str, str] = {}
        """Name by id."""
        self.rows: list[tuple[int, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.about: dict[str, str] = {}
        """What is known of the analysis that is open."""
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
        self.parser.EntityDeclHandler = self.refuse_entity

    def read(self, content: bytes) -> None:
        """Parse a review; entities of its own, which may grow without end, are refused."""
        try:
            self.parser.Parse(content, True)
        except expat.ExpatError as error:
            problem = f"not valid XML, as a review of RevMan 5 is: {expat.ErrorString(error.code)}"
            raise UserError(problem, self.file, error.lineno) from None
        except (ValueError, LookupError) as error:  # an encoding that Python does not know
            raise UserError(f"not valid XML, as a review of RevMan 5 is: {error}", self.file) from None

    def refuse_entity(self, name: str, *_: object) -> None:
        """Refuse what no review has."""
        raise UserError("declares an entity, which no review does", self.file, self.parser.CurrentLineNumber, name)

    def start(self, name: str, given: dict[str, str]) -> None:
        """Come to an element."""
        if len(self.open) >= _MOST_LEVELS:
            raise UserError("elements nested too deeply", self.file, self.parser.CurrentLineNumber)
        self.open.append(name)
        self.text.clear()
        if name == "STUDY" and given.get("ID"):
            self.studies[given["ID"]] = given.get("NAME") or given["ID"]
        elif name == "COMPARISON":
            self.about = {"Analysis group": given.get("NO", "")}
        elif name in _OUTCOMES:
            self.about = {
                "Analysis group": self.about.get("Analysis group", ""),
                "Analysis number": given.get("NO", ""),
            }
        elif name in _DATA:
            self.rows.append((self.parser.CurrentLineNumber, {**self.about, **_figures(given)}))

    def end(self, name: str) -> None:
        """Leave an element: its text is the name of a comparison, an outcome, a subgroup or a group."""
        said, above = " ".join("".join(self.text).split()), self.open[-2] if len(self.open) > 1 else ""
        self.open.pop()
        if name == "NAME" and above in _OUTCOMES:
            self.about["Analysis name"] = said
        elif name == "NAME" and above in _SUBGROUPS:
            self.about["Subgroup"] = said
        elif name.startswith("GROUP_LABEL_") and name[-1] in _SIDES:
            self.about[f"{_SIDES[name[-1]]} group label"] = said
        elif name in _SUBGROUPS:
            self.about.pop("Subgroup", None)
        self.text.clear()


def _figures(given: dict[str, str]) -> dict[str, str]:
    """Figures of a study in one analysis."""

    def found() -> Iterator[tuple[str, str]]:
        for name, cell in given.items():
            figure, _, side = name.rpartition("_")
            if figure in _FIGURES and side in _SIDES:
                yield f"{_SIDES[side]} {_FIGURES[figure]}", cell
        if "ESTIMATE" in given and "SE" in given and "EVENTS_1" not in given and "MEAN_1" not in given:
            yield from (("GIV Mean", given["ESTIMATE"]), ("GIV SE", given["SE"]))

    return {"Study": given.get("STUDY_ID", ""), **dict(found())}


KIND = _RevMan5()
