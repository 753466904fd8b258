"""Treatments of a network: regimens, the components they are made of, classes of components, and settings."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from nma.documents import Strict, fail
from nma.sheets import Identifier, Text

OVERALL = "overall"  # the reserved name of the setting that stands for no particular setting


class Regimen(Strict):
    """A treatment: a set of components given together."""

    label: Text
    """What figures and reports call it."""
    components: list[Identifier]
    """What it is made of."""


class Setting(Strict):
    """A failed first line, and the regimens that are no candidates after it."""

    label: Text
    """What figures and reports call it."""
    not_candidates: list[Identifier] = Field(default_factory=list)
    """Regimens that are no candidates in this setting."""


class ComponentClass(Strict):
    """Components whose effects are exchangeable around the mean of their class."""

    label: Text
    """What figures and reports call it."""
    components: Annotated[list[Identifier], Field(min_length=2)]
    """Components of the class."""


def _labelled(value: Any) -> Any:
    """Read a regimen that is given by its label alone."""
    return {"label": value} if isinstance(value, str) else value


class Treatments(Strict):
    """Components, regimens, classes and settings of a network.

    Without ``components`` the network is a plain one: every regimen but the reference is a component of its own, and
    its label is all that it needs.
    """

    reference: Identifier
    """The regimen that has no effect by definition."""
    regimens: dict[Identifier, Annotated[Regimen, BeforeValidator(_labelled, json_schema_input_type=Regimen | Text)]]
    """Regimens, by name: a label alone, or label and components."""
    components: dict[Identifier, Text] = Field(default_factory=dict)
    """Labels of the components, by name."""
    classes: dict[Identifier, ComponentClass] = Field(default_factory=dict)
    """Classes of components, by name."""
    settings: dict[Identifier, Setting] = Field(default_factory=dict)
    """Settings, by name: what failed before."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        """Make every regimen but the reference a component of its own, where no components are listed."""
        if not isinstance(data, dict) or "components" in data or not isinstance(data.get("regimens"), dict):
            return data
        reference, components, regimens = str(data.get("reference")), {}, {}
        for name, value in data["regimens"].items():
            regimen = _labelled(value)
            if isinstance(regimen, dict):
                if "components" in regimen:
                    path, problem = ("regimens", name, "components"), "the treatments list no components"
                    fail(path, regimen["components"], f"{problem}; add components, or leave them out here")
                regimen = {**regimen, "components": [] if name == reference else [name]}
                if name != reference:
                    components[name] = regimen.get("label", name)
            regimens[name] = regimen
        return {**data, "components": components, "regimens": regimens}

    @model_validator(mode="after")
    def _references(self) -> "Treatments":
        self._known("reference", self.reference, "regimen")
        for name, regimen in self.regimens.items():
            for i, component in enumerate(regimen.components):
                self._known(("regimens", name, "components", i), component, "component")
            if name != self.reference and not regimen.components:
                fail(("regimens", name, "components"), None, "only the reference has no components")
        if self.regimens[self.reference].components:
            fail(("regimens", self.reference, "components"), self.reference, "the reference has no components")
        for name, setting in self.settings.items():
            if name == OVERALL:
                fail(("settings", name), name, "this word is reserved")
            for i, regimen_id in enumerate(setting.not_candidates):
                self._known(("settings", name, "not_candidates", i), regimen_id, "regimen")
        return self

    @model_validator(mode="after")
    def _one_class_each(self) -> "Treatments":
        found: dict[str, str] = {}
        for name, group in self.classes.items():
            for i, component in enumerate(group.components):
                path = ("classes", name, "components", i)
                self._known(path, component, "component")
                if component in found:
                    fail(path, component, f"this component stands in class {found[component]} already")
                found[component] = name
        return self

    def _known(self, path: str | tuple[str | int, ...], value: str, kind: str) -> None:
        allowed = self.regimens if kind == "regimen" else self.components
        if value not in allowed:
            fail(path, value, f"unknown {kind}; allowed: {', '.join(allowed)}")

    @property
    def class_of(self) -> dict[str, str]:
        """Class by component, for the components that have one."""
        return {component: name for name, group in self.classes.items() for component in group.components}
