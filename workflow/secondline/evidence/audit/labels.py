"""What arms and settings are called, against what the sheet says that they are."""

import re
from collections.abc import Iterator, Mapping

from secondline.evidence.audit.finding import Finding, Severity, found
from secondline.project.config import Project
from secondline.project.sheets import StudySheet
from secondline.project.treatments import Treatments

_LEAST = 3  # letters of a drug's name, or of its abbreviation
_BEFORE = {"after", "following", "failed", "failure", "progression", "progressed", "progressing", "refractory"}
_BEFORE |= {"resistant", "previous", "previously", "prior", "first"}
_BEHIND = {"failure", "failed", "refractory", "resistant", "intolerant", "treated", "pretreated", "experienced"}
_BEHIND |= {"progression", "progressed"}
# Words of settings that are no drug's name, and stand in any paper.
_ORDINARY = {"first", "second", "third", "later", "line", "early", "late", "after", "before", "failure", "failed"}
_ORDINARY |= {"treated", "untreated", "pretreated", "naive", "experienced", "therapy", "treatment", "setting", "prior"}
_ORDINARY |= {"previous", "previously", "none", "mixed", "other", "advanced", "disease", "patients", "without", "with"}
type _Drugs = Mapping[str, frozenset[str]]


def drug_words(treatments: Treatments) -> dict[str, frozenset[str]]:
    """Regimens that contain a drug, by the single words that name it: ids and labels of regimens and components."""
    holders: dict[str, set[str]] = {}
    for name, regimen in treatments.regimens.items():
        drugs = treatments.drugs(name)
        names = [name, regimen.label, *drugs, *(treatments.components[d] for d in drugs if d in treatments.components)]
        for word in {word for text in names for word in _words(text)}:
            holders.setdefault(word, set()).add(name)
    alone = [name for key, regimen in treatments.regimens.items() for name in (key, regimen.label)]
    alone += [name for item in treatments.components.items() for name in item]
    single = {words[0] for words in map(_words, alone) if len(words) == 1 and len(words[0]) >= _LEAST}
    return {word: frozenset(holders[word]) for word in sorted(single & set(holders))}


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _named(text: str, drugs: _Drugs) -> list[str]:
    """Drugs that a text names, in full or by an abbreviation in capitals: the first letters of one drug's name."""
    found: list[str] = []
    for token in re.findall(r"[^\W_]+", text):
        word = token.casefold()
        whole = [word] if word in drugs else []
        short = [drug for drug in drugs if drug.startswith(word)] if token.isupper() and len(token) >= _LEAST else []
        found += whole or (short if len(short) == 1 else [])
    return list(dict.fromkeys(found))


def arm_labels(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the drugs that name an arm, by its id, label or printed string, with the regimens of its patients.

    What follows "after" and the like is what the patients had before.
    """
    drugs = drug_words(project.treatments)
    for name, arm in sheet.arms.items():
        texts = (re.split(r"\b(?:after|following|failure|prior)\b", text)[0] for text in (name, arm.label, arm.printed))
        named = list(dict.fromkeys(drug for text in texts for drug in _named(text, drugs)))
        absent = [drug for drug in named if not drugs[drug] & set(arm.regimens)]
        if absent:
            severity: Severity = "error" if absent == named else "warning"
            holds = ", ".join(arm.regimens)
            message = (
                f"the arm is labelled {arm.label} ({arm.printed}), but the regimens of its patients are {holds}, "
                f"without {', '.join(absent)}; correct the label or the regimens"
            )
            path, values = ("arms", name, "regimens"), (", ".join(absent), holds)
            yield found(sheet, "arm_label", severity, name, message, path, arm.place, *values)


def setting_labels(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the drugs printed with the failed first lines, or in the title, with those of their settings."""
    of_setting = _setting_words(project.treatments)
    drugs = {
        word: frozenset(s for s in of_setting if word in of_setting[s]) for s in of_setting for word in of_setting[s]
    }
    for i, line in enumerate(sheet.failed_first_line):
        named = _named(f"{line.printed} {line.near or ''}", drugs)
        if named and not any(line.setting in drugs[drug] for drug in named):
            message = (
                f"the failed first-line therapy is printed as {', '.join(named)} ({line.printed}), but entered as "
                f"{line.setting}; allowed: {', '.join(sorted(set().union(*(drugs[drug] for drug in named))))}"
            )
            path, values = ("failed_first_line", i, "setting"), (line.setting, ", ".join(named))
            yield found(sheet, "setting_label", "error", line.setting, message, path, line.place, *values)
    yield from _title(sheet, drugs)


def _title(sheet: StudySheet, drugs: _Drugs) -> Iterator[Finding]:
    settings = {line.setting for line in sheet.failed_first_line}
    named = _failed_in(sheet.bibliography.title, drugs) if sheet.bibliography else []
    if named and not any(settings & drugs[drug] for drug in named):
        message = (
            f"the title names {', '.join(named)} as previous treatment, but the sheet has "
            f"{', '.join(sorted(settings))}; check the setting"
        )
        path, values = ("failed_first_line", 0, "setting"), (", ".join(sorted(settings)), ", ".join(named))
        yield found(sheet, "setting_label", "warning", "title", message, path, "title", *values)


def _failed_in(title: str, drugs: _Drugs) -> list[str]:
    """Drugs that a title names as given before: behind "after" and the like, or before "failure" and the like."""
    words = _words(title)
    failed = []
    for i, word in enumerate(words):
        if word in drugs and (_BEFORE & set(words[max(0, i - 5) : i]) or _BEHIND & set(words[i + 1 : i + 3])):
            failed.append(word)
    return list(dict.fromkeys(failed))


def _setting_words(treatments: Treatments) -> dict[str, set[str]]:
    """Words by which a setting differs from others: the drugs that failed there, and those of its name."""
    words = {
        name: {word for text in (name, place.label, *place.failed) for word in _words(text) if len(word) > _LEAST}
        for name, place in treatments.settings.items()
    }
    if len(words) < 2:
        return {name: set() for name in words}
    common = set.intersection(*words.values()) | _ORDINARY
    return {name: own - common for name, own in words.items()}


CHECKS = (arm_labels, setting_labels)
