"""Names of standard deviations in words: of all studies or a group of studies, of all classes or a single one."""

from secondline.report.settings import Labels

_SYMBOLS = {"tau": "τ", "omega": "ω"}


def symbol(parameter: str) -> str:
    """Write tau or omega as a symbol, with its group of studies or class where it has one: τ (active v inactive)."""
    name, _, group = parameter.partition("[")
    words = group.removesuffix("]").replace("_", " ")
    return f"{_SYMBOLS[name]} ({words})" if group else _SYMBOLS[name]


def group_words(parameter: str, labels: Labels) -> str:
    """Say of which studies or which class it is the standard deviation; nothing where it is that of all."""
    name, _, group = parameter.partition("[")
    if not group:
        return ""
    if name == "omega":
        known_class = group.removesuffix("]")
        return f" {labels.classes.get(known_class, known_class)}"
    known = {**labels.classes, **labels.components, **labels.regimens}
    kinds = [kind.split(" or ") for kind in group.removesuffix("]").split(" v ")]
    named = [" or ".join(" + ".join(known.get(p, p) for p in one.split(" + ")) for one in parts) for parts in kinds]
    return f" in studies of {' v '.join(named)}"
