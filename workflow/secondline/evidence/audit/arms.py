"""What arms are made of, and which first line had failed in them."""

from collections import Counter
from collections.abc import Iterator

from secondline.evidence.audit.finding import Finding, found
from secondline.evidence.audit.survival import main_arms, patients
from secondline.project.config import Project
from secondline.project.figures import ALL
from secondline.project.sheets import StudySheet


def composition(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the regimens of all patients between the ways in which they are divided into arms."""
    whole = _regimens(sheet, main_arms(sheet))
    n = patients(sheet, main_arms(sheet), ALL)
    for name, contrast_set in sheet.contrast_sets.items():
        parts = _regimens(sheet, contrast_set.arms)
        if sum(parts.values()) == n and parts != whole:
            differ = ", ".join(
                f"{r} {whole[r]} and {parts[r]}" for r in sorted({*whole, *parts}) if whole[r] != parts[r]
            )
            message = f"the same patients are divided into regimens differently in two contrast sets: {differ}"
            path = ("contrast_sets", name)
            yield found(sheet, "composition", "error", name, message, path)


def _regimens(sheet: StudySheet, arms: list[str]) -> Counter[str]:
    return sum((Counter(sheet.arms[arm].regimens) for arm in arms), Counter())


def first_lines(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the arms by their failed first lines, and the first lines with the patients of each arm."""
    lines = sheet.failed_first_line
    by_arm = {arm: [line.arms.get(arm, 0) for line in lines] for arm in {a: 0 for line in lines for a in line.arms}}
    if not by_arm or not all(line.arms for line in lines):
        return
    path, place, item = ("failed_first_line", 0), lines[0].place, "failed_first_line"
    for arm, numbers in by_arm.items():
        if arm in main_arms(sheet) and sheet.arms[arm].n not in (None, sum(numbers)):
            message = (
                f"the patients of {arm} by failed first-line therapy add up to {sum(numbers)}, but the arm has "
                f"{sheet.arms[arm].n} patients"
            )
            yield found(sheet, "first_lines", "error", item, message, path, place, sum(numbers), sheet.arms[arm].n)
    share = {arm: numbers[0] / sum(numbers) for arm, numbers in by_arm.items() if sum(numbers)}
    if len(lines) > 1 and max(share.values()) - min(share.values()) > project.config.audit.setting_mix:
        shown = ", ".join(f"{arm} {part:.0%}" for arm, part in share.items())
        difference = f"the arms differ in the failed first-line therapy ({lines[0].setting}: {shown})"
        yield found(
            sheet, "setting_mix", "warning", item, f"{difference}; the shares of all patients are used", path, place
        )


CHECKS = (composition, first_lines)
