"""What the treatments are made of: components, regimens and settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Treatments:
    """A treatments file without its labels: components, the components of every regimen, and settings."""

    components: tuple[str, ...]
    regimens: Mapping[str, tuple[str, ...]]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Structure:
    """What the treatments are made of: everything of a treatments file but the labels.

    A regimen is a sum of components. In a plain network every treatment but the reference is one component.
    """

    components: tuple[str, ...]
    regimens: tuple[str, ...]
    settings: tuple[str, ...]
    matrix: Floats
    """(regimens, components): 1 where a regimen holds a component."""

    @classmethod
    def of(cls, treatments: Treatments) -> "Structure":
        """Build the structure of the treatments of a job."""
        components, regimens = treatments.components, treatments.regimens
        matrix = np.array([[float(c in parts) for c in components] for parts in regimens.values()])
        shape = (len(regimens), len(components))
        return cls(components, tuple(regimens), treatments.settings, matrix.reshape(shape))

    @classmethod
    def plain(cls, treatments: Sequence[str], reference: str) -> "Structure":
        """Build a plain network: every treatment but the reference has an effect of its own."""
        regimens = {name: () if name == reference else (name,) for name in treatments}
        components = [name for name in treatments if name != reference]
        return cls.of(Treatments(components=tuple(components), regimens=regimens))

    @property
    def treatments(self) -> Treatments:
        """The treatments of which this is the structure."""
        regimens = {name: tuple(c for c in self.components if c in self.parts(name)) for name in self.regimens}
        return Treatments(components=self.components, regimens=regimens, settings=self.settings)

    @property
    def by_regimen(self) -> "Structure":
        """The same regimens without what they are made of: each but the reference has an effect of its own."""
        return replace(Structure.plain(self.regimens, self.regimens[self.reference]), settings=self.settings)

    def parts(self, regimen: str) -> frozenset[str]:
        """Components of a regimen."""
        row = self.matrix[self.regimens.index(regimen)]
        return frozenset(name for name, has in zip(self.components, row, strict=True) if has)

    @property
    def is_plain(self) -> bool:
        """Whether every treatment has at most one component, and shares it with no other."""
        return bool((self.matrix.sum(axis=0) <= 1).all() and (self.matrix.sum(axis=1) <= 1).all())

    @property
    def reference(self) -> int:
        """Index of the regimen without components."""
        return int(np.flatnonzero(self.matrix.sum(axis=1) == 0)[0])
