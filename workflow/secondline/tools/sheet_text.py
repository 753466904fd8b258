"""Sheets and configurations as text: strings quoted where YAML would read something else, sections apart."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

_SECTION = re.compile(r"^(?=[A-Za-z])", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class _Quoting(yaml.SafeDumper):
    """Puts every string but a plain word between quotes, so that any YAML reader gives it back as it was."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    plain = _PLAIN.fullmatch(text) and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Quoting.add_representer(str, _text)


def quoted(value: Any) -> str:
    """Write a value of a configuration in one line."""
    line = yaml.dump(value, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=True)
    return line.removesuffix("\n").removesuffix("...").strip()


def sheet_text(data: Mapping[str, Any], source: str, schema: str) -> str:
    """Write a sheet as YAML, one record per line where it fits."""
    text = yaml.dump(
        dict(data), Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=118, default_flow_style=None
    )
    head = f"# yaml-language-server: $schema={schema}\n# Imported from {source}.\n"
    return head + _SECTION.sub("\n", text).removeprefix("\n")
