"""Study sheets, read from their files and checked against the strings that they quote."""

from pathlib import Path

from secondline.errors import Mistakes, UserError
from secondline.numbers_in_text import digits, holds_date, percentages, put_together
from secondline.project.documents import (
    Document,
    read_yaml,
    validate,
)
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Enrolment


def read_sheet(file: Path) -> StudySheet:
    """Read and validate one study sheet.

    Raises
    ------
    UserError
        The sheet breaks a rule of the models above, its ``study`` is not the file's name, or a figure is not in
        its printed string.
    """
    sheet = sheet_of(read_yaml(file))
    if sheet.study != file.stem:
        raise sheet.error(("study",), sheet.study, f"must be the name of the file: {file.stem}")
    return sheet


def sheet_of(document: Document) -> StudySheet:
    """Validate a sheet, whichever file it was read from.

    Raises
    ------
    UserError
        The sheet breaks a rule of the models above, or a figure is not in its printed string.
    """
    sheet = validate(StudySheet, document)
    _check_printed(document, document.data, ())
    if sheet.enrolment:
        _check_dates(document, sheet.enrolment)
    sheet._document = document
    return sheet


_NUMBERS = ("value", "lower", "upper", "count", "percent", "n", "mean", "sd", "median")


def _check_printed(document: Document, node: object, path: tuple[str | int, ...]) -> None:
    """Check that every number of a figure stands in the string printed beside it."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            _check_printed(document, item, (*path, i))
    elif isinstance(node, dict):
        printed = node.get("printed")
        for key, item in node.items():
            if key in _NUMBERS and isinstance(item, str):
                raise document.error((*path, key), item, "write the number without quotes")
            if key in _NUMBERS and isinstance(printed, str) and isinstance(item, int | float | dict):
                by_arm = item if isinstance(item, dict) else {None: item}
                for arm, number in by_arm.items():
                    where = (*path, key) if arm is None else (*path, key, arm)
                    _check_number(document, number, printed, node.get("derived"), where)
            else:
                _check_printed(document, item, (*path, key))


def _check_number(
    document: Document, number: float, printed: str, derived: object, path: tuple[str | int, ...]
) -> None:
    """Check that a number stands in what is printed, or in how it was put together: as such, in words, or as a sum."""
    if float(number) in digits(printed):
        return
    if not derived:
        raise document.error(path, number, f"does not occur in what is printed: {printed}")
    if path[0] == "reprinted":  # recomputed, to be held against what is printed
        if (shares := percentages(str(derived))) and number not in shares:
            raise document.error(path, number, f"is not {derived}: {shares[0]}%")
        return
    if not any(float(number) in put_together(text) for text in (printed, str(derived))):
        raise document.error(path, number, f"occurs neither in what is printed, {printed}, nor in derived: {derived}")


def _check_dates(document: Document, enrolment: Enrolment) -> None:
    """Check that the dates of enrolment, and what is printed of follow-up, are those given."""
    for key, month in (("start", enrolment.start), ("end", enrolment.end)):
        if not holds_date(enrolment.printed, month):
            problem = f"does not occur in what is printed: {enrolment.printed}"
            raise document.error(("enrolment", key), month, problem)
    if enrolment.follow_up:
        printed, months = enrolment.follow_up.printed, enrolment.median_follow_up_months
        if months not in digits(printed) and not holds_date(printed, enrolment.cutoff or ""):
            problem = f"allowed: what is printed of the cutoff, {enrolment.cutoff}, or of the median, {months} months"
            raise document.error(("enrolment", "follow_up", "printed"), printed, problem)


def read_sheets(folder: Path) -> dict[str, StudySheet]:
    """Read every study sheet of a folder, by study id in alphabetical order.

    Raises
    ------
    UserError
        No sheets, or the first mistake of every sheet that has one.
    """
    for file in sorted(folder.glob("*.yml")):
        raise UserError(f"study sheets end in .yaml; rename it to {file.stem}.yaml", file)
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UserError("no study sheets (*.yaml) here", folder)
    sheets, mistakes = {}, Mistakes()
    for file in files:
        with mistakes.noted():
            sheets[file.stem] = read_sheet(file)
    mistakes.tell()
    return sheets
