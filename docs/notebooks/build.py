"""Run the Python blocks of a page and write it with what they give as a notebook: `make notebook`.

python docs/notebooks/build.py docs/notebooks/first_network.md

Two runs give the same bytes.
"""

import ast
import base64
import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

DPI = 80
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def build(page: Path) -> str:
    """Run a page block by block and give the notebook as JSON; whatever a block raises is raised."""
    notebook, names = new_notebook(metadata=KERNEL), {}
    for k, (is_code, text) in enumerate(cells(page.read_text(encoding="utf-8"))):
        cell = new_code_cell(text, outputs=run(text, names)) if is_code else new_markdown_cell(text)
        cell["id"] = f"cell-{k}"
        notebook.cells.append(cell)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def cells(text: str) -> list[tuple[bool, str]]:
    """Split a page into its cells: whether it is code, and the text."""
    parts = re.split(r"^```python\n(.*?)^```\n", text, flags=re.MULTILINE | re.DOTALL)
    return [(bool(k % 2), part.strip()) for k, part in enumerate(parts) if part.strip()]


def run(text: str, names: dict[str, Any]) -> list[Any]:
    """Run one cell, and give what it prints and the value of its last expression."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None
    outputs = [new_output("stream", name="stdout", text=printed.getvalue())] if printed.getvalue() else []
    return outputs + ([new_output("display_data", data=shown(value))] if value is not None else [])


def shown(value: Any) -> dict[str, str]:
    """Show a value as a notebook does: tables as HTML, figures as pictures, all else as text."""
    if hasattr(value, "savefig"):
        picture = io.BytesIO()
        value.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
        return {"image/png": base64.b64encode(picture.getvalue()).decode()}
    if hasattr(value, "to_html"):
        return {"text/html": value.to_html(index=False), "text/plain": value.to_string(index=False)}
    return {"text/plain": repr(value)}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).with_suffix(".ipynb").write_text(build(Path(name)), encoding="utf-8")
