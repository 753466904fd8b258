"""Treatments of a network: regimens, the components they are made of, classes of components, and settings."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from secondline.cell_values import OVERALL
from secondline.project.documents import Label, Strict, Text, fail
from secondline.project.figures import Identifier


class Regimen(Strict):
    """A treatment: a set of components given together."""

    label: Label
    """Its label in figures and reports. An abbreviation in it is spelled out where the page first uses it, if the words
    in the label of a component or class begin with its letters."""
    components: list[Identifier]
    """Its components."""
    drugs: list[Identifier] = Field(default_factory=list)
    """Drugs that it contains in addition to its components: the drug of the reference, for a regimen built on it."""


class Setting(Strict):
    """A failed first-line therapy: the drugs that failed, and why a regimen with one of them may still be chosen.

    A regimen is a candidate in a setting unless it contains a drug that failed there.
    """

    label: Label
    """Its label in figures and reports."""
    failed: list[Identifier] = Field(default_factory=list)
    """Drugs that have failed in this setting: components, or drugs named under regimens."""
    rechallenge: dict[Identifier, Text] = Field(default_factory=dict)
    """Regimens that contain a failed drug and may still be chosen, each with the reason."""

    @model_validator(mode="before")
    @classmethod
    def _drugs_not_regimens(cls, data: Any) -> Any:
        """Explain what has taken the place of a list of regimens."""
        if isinstance(data, dict) and "not_candidates" in data:
            problem = "this key is no longer read; name the drugs that failed, as failed: [sorafenib]"
            fail(("not_candidates",), data["not_candidates"], f"{problem}; no regimen that contains one is a candidate")
        return data


class ComponentClass(Strict):
    """Components whose effects are exchangeable around the mean of their class."""

    label: Label
    """Its label in figures and reports."""
    components: Annotated[list[Identifier], Field(min_length=2)]
    """Components of the class."""


def _labelled(value: Any) -> Any:
    """Read a regimen that is given by its label alone."""
    return {"label": value} if isinstance(value, str) else value


class Treatments(Strict):
    """Components, regimens, classes and settings of a network.

    Without ``components``, the network is a plain one: every regimen except the reference is a component of its own and
    needs only a label.
    """

    reference: Identifier
    """The reference regimen, relative to which effects are defined."""
    regimens: dict[Identifier, Annotated[Regimen, BeforeValidator(_labelled, json_schema_input_type=Regimen | Label)]]
    """Regimens, by name: only a label, or a label and components."""
    components: dict[Identifier, Label] = Field(default_factory=dict)
    """Labels of the components, by name."""
    classes: dict[Identifier, ComponentClass] = Field(default_factory=dict)
    """Classes of components, by name."""
    settings: dict[Identifier, Setting] = Field(default_factory=dict)
    """Settings, by name: the drugs that have already failed."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        """Make every regimen except the reference a component of its own, where no components are listed."""
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
        self._told_apart()
        if self.regimens[self.reference].components:
            fail(("regimens", self.reference, "components"), self.reference, "the reference has no components")
        for name, setting in self.settings.items():
            if name == OVERALL:
                fail(("settings", name), name, "this word is reserved")
            self._check_failed(name, setting)
        return self

    def _check_failed(self, name: str, setting: Setting) -> None:
        known = list(dict.fromkeys(drug for regimen in self.regimens for drug in sorted(self.drugs(regimen))))
        for i, drug in enumerate(setting.failed):
            if drug not in known:
                fail(
                    ("settings", name, "failed", i), drug, f"no regimen contains this drug; allowed: {', '.join(known)}"
                )
        for regimen in setting.rechallenge:
            path = ("settings", name, "rechallenge", regimen)
            self._known(path, regimen, "regimen")
            if not self.drugs(regimen) & set(setting.failed):
                fail(path, regimen, "it contains no drug that failed here and is a candidate anyway; leave it out")

    def _told_apart(self) -> None:
        """Check that no component stands twice in a regimen, and that no two regimens hold the same ones."""
        found: dict[frozenset[str], str] = {}
        for name, regimen in self.regimens.items():
            path, parts = ("regimens", name, "components"), frozenset(regimen.components)
            if len(parts) < len(regimen.components):
                fail(path, regimen.components, "a component occurs twice; effects of components are added up")
            if parts and parts in found:
                problem = (
                    f"regimen {found[parts]} has the same components: no model can tell the two apart; make them one "
                    "regimen, or give what differs, such as the dose, a component of its own"
                )
                fail(path, regimen.components, problem)
            found[parts] = name

    @model_validator(mode="after")
    def _one_class_each(self) -> "Treatments":
        found: dict[str, str] = {}
        for name, group in self.classes.items():
            for i, component in enumerate(group.components):
                path = ("classes", name, "components", i)
                self._known(path, component, "component")
                if component in found:
                    fail(path, component, f"this component is already in class {found[component]} already")
                found[component] = name
        return self

    def _known(self, path: str | tuple[str | int, ...], value: str, kind: str) -> None:
        allowed = self.regimens if kind == "regimen" else self.components
        if value not in allowed:
            fail(path, value, f"unknown {kind}; allowed: {', '.join(allowed)}")

    def drugs(self, regimen: str) -> set[str]:
        """Drugs of a regimen: its components and what it names beside them; the reference is a drug of its own name."""
        found = {*self.regimens[regimen].components, *self.regimens[regimen].drugs}
        return found or {self.reference}

    def barred(self, setting: str) -> list[str]:
        """Regimens that are no candidates in a setting: those with a failed drug that no rechallenge allows."""
        place = self.settings[setting]
        failed = set(place.failed)
        return [name for name in self.regimens if self.drugs(name) & failed and name not in place.rechallenge]

    @property
    def class_of(self) -> dict[str, str]:
        """Class by component, for the components that have one."""
        return {component: name for name, group in self.classes.items() for component in group.components}

    @property
    def structure(self) -> dict[str, Any]:
        """Components, regimens and settings without their labels, for `secondline.network.structure.Treatments`."""
        return {
            "components": tuple(self.components),
            "regimens": {name: tuple(regimen.components) for name, regimen in self.regimens.items()},
            "settings": tuple(self.settings),
        }
