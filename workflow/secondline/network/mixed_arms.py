"""Arms that mix regimens: by the patients who received each, or with one mix for all mixed arms of a study.

Where the drugs of two mixed arms differ in their proportions, the weighted means of their effects compare the drugs as
much as what the study set out to compare. The class contrast removes that: what varies within the mixed arms of a study
is given the same mix in all of them, so that two of them differ by what is common to each alone.
"""

from collections.abc import Sequence
from dataclasses import replace

from secondline.errors import UserError
from secondline.network.arms import Arm
from secondline.network.structure import Structure

PATIENT_WEIGHTS, CLASS_CONTRAST = "patient_weights", "class_contrast"

Parts = frozenset[str]


def class_contrast(arms: Sequence[Arm], structure: Structure) -> list[Arm]:
    """Give the mixed arms of one study the same mix of what varies within them.

    The components that all regimens of an arm contain are common to it; the rest of each regimen varies. The varying
    parts of all mixed arms are pooled by the patients who received them, and every mixed arm becomes its common part
    with this pool. Arms with one regimen stay as they are.

    Parameters
    ----------
    arms : sequence of Arm
        All arms of one study; their compositions count the patients of the whole arms.
    structure : Structure

    Raises
    ------
    UserError
        An arm would need a regimen that the treatments do not have.
    """
    held = {name: structure.parts(name) for name in structure.regimens}
    mixed = {arm.name: [name for name, n in arm.regimens.items() if n > 0] for arm in arms}
    mixed = {name: regimens for name, regimens in mixed.items() if len(regimens) > 1}
    if len(mixed) < 2:
        return list(arms)
    common = {name: frozenset.intersection(*(held[regimen] for regimen in mixed[name])) for name in mixed}
    pool: dict[Parts, int] = {}
    for arm in arms:
        for regimen in mixed.get(arm.name, ()):
            varying = held[regimen] - common[arm.name]
            pool[varying] = pool.get(varying, 0) + arm.regimens[regimen]

    def pooled(arm: Arm) -> dict[str, int]:
        own = {held[regimen]: regimen for regimen in [*reversed(structure.regimens), *mixed[arm.name]]}
        wanted = {parts: parts | common[arm.name] for parts in pool}
        for parts, whole in wanted.items():
            if parts & common[arm.name] or whole not in own:
                problem = (
                    f"the class contrast gives arm {arm.name} of {arm.study} patients with "
                    f"{_words(sorted(common[arm.name]) + sorted(parts))}, which is not a regimen of the treatments"
                )
                raise UserError(f"{problem}; allowed: {PATIENT_WEIGHTS}, or a declared regimen for them")
        return {own[whole]: pool[parts] for parts, whole in wanted.items()}

    return [replace(arm, regimens=pooled(arm)) if arm.name in mixed else arm for arm in arms]


def _words(components: Sequence[str]) -> str:
    return " and ".join(components) or "no component"
