"""The modules of the page's script as one text, for a file that loads nothing."""

import re
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:const|let|function|class)) (.*)", re.MULTILINE)
_NAMES = re.compile(r"\*?([\w$]+)(?: = |[ ({])")
_OTHER = re.compile(r"^\s*(?:import|export)\b.*", re.MULTILINE)
_REMARK = re.compile(r"^ *//.*\n", re.MULTILINE)


def bundle(folder: Path, entry: str) -> "Markup":
    """Join a module and all that it imports, each as a function that returns what it exports, in order.

    Parameters
    ----------
    folder : path
        Of the modules, which import each other by relative paths: ``import {a, b as c} from "./other.js";``.
    entry : str
        The module to run, relative to the folder.

    Returns
    -------
    Markup
        One script; lines that are remarks are left out.

    Raises
    ------
    ValueError
        A module imports or exports in another way, or its text would end the script element.
    """
    from markupsafe import Markup

    texts: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    left = [entry]
    while left:
        module = left.pop()
        if module not in texts:
            texts[module] = (folder / module).read_text(encoding="utf-8")
            needs[module] = [_resolved(module, match[2]) for match in _IMPORT.finditer(texts[module])]
            left += needs[module]
    parts = [_wrapped(module, texts[module]) for module in TopologicalSorter(needs).static_order()]
    return Markup("".join(['(() => {\n"use strict";\n', *parts, "})();\n"]))


def _resolved(module: str, path: str) -> str:
    """Resolve a path relative to the module that names it."""
    parts: list[str] = list(PurePosixPath(module).parent.parts)
    for part in PurePosixPath(path).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _wrapped(module: str, text: str) -> str:
    """Make a function of a module."""
    exported: list[str] = []
    body = _IMPORT.sub(partial(_taken, module), text)
    body = _EXPORT.sub(partial(_declared, module, exported), body)
    if other := _OTHER.search(body):
        raise ValueError(
            f"{module}: {other[0].strip()!r}: modules of the page import and export by name, one line each"
        )
    if "</script" in text or "<!--" in text:
        raise ValueError(f"{module}: '</script' or '<!--' would end the script of the page")
    return f"const {_name(module)} = (() => {{\n{_REMARK.sub('', body)}return {{{', '.join(exported)}}};\n}})();\n"


def _taken(module: str, match: re.Match[str]) -> str:
    names = ", ".join(name.strip().replace(" as ", ": ") for name in match[1].split(","))
    return f"const {{{names}}} = {_name(_resolved(module, match[2]))};\n"


def _declared(module: str, exported: list[str], match: re.Match[str]) -> str:
    """Take the names of an exported declaration; ``const A = 1, B = 2;`` declares several on one line."""
    first = _NAMES.match(match[2])
    if first is None:
        raise ValueError(f"{module}: {match[0]!r}: no name is declared")
    exported.append(first[1])
    return f"{match[1]} {match[2]}"


def _name(module: str) -> str:
    return "$" + re.sub(r"\W", "_", module.removesuffix(".js"))
