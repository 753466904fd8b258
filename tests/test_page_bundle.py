"""The modules of the page's script as one text: in order, each in a function, and nothing else in them."""

import subprocess
from pathlib import Path

import pytest
from secondline.report.page.bundle import bundle
from secondline.report.page.weigh import ENTRY, SCRIPT

from tests.page_engine import needs_node


def written(folder: Path, **modules: str) -> Path:
    """Write modules by name; two underscores stand for a folder."""
    for name, text in modules.items():
        file = folder / f"{name.replace('__', '/')}.js"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@needs_node
def test_modules_run_in_order_with_names_of_their_own(tmp_path: Path) -> None:
    """Two modules may use one name; a folder up, another name, classes and functions are found."""
    folder = written(
        tmp_path,
        ground="const own = 2;\nexport const twice = x => own * x;\nexport function half(x) { return x / own; }\n",
        inner__middle='import {twice as doubled} from "../ground.js";\nconst own = 5;\n'
        "export class Five { get ten() { return doubled(own); } }\n",
        inner__main='// A remark.\nimport {half} from "../ground.js";\nimport {Five} from "./middle.js";\n'
        "console.log(half(new Five().ten));\n",
    )
    text = bundle(folder, "inner/main.js")
    run = subprocess.run(["node", "--eval", text], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "5"
    assert "remark" not in text
    assert text.index("const $ground") < text.index("const $inner_middle") < text.index("const $inner_main")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('import other from "./other.js";', "import and export by name"),
        ("export default 3;", "import and export by name"),
        ('const end = "</script>";', "would end the script"),
        ("export const {a} = {a: 1};", "no name is declared"),
    ],
)
def test_what_cannot_be_bundled_is_refused(line: str, problem: str, tmp_path: Path) -> None:
    """By module and line."""
    with pytest.raises(ValueError, match=problem) as caught:
        bundle(written(tmp_path, main=line + "\n"), "main.js")
    assert str(caught.value).startswith("main.js: ")


def test_modules_of_the_page_are_short() -> None:
    """Under 300 lines each, every one of them is used, and the whole is one function."""
    files = {file.relative_to(SCRIPT).as_posix(): file.read_text(encoding="utf-8") for file in SCRIPT.rglob("*.js")}
    assert {name: len(text.splitlines()) for name, text in files.items() if len(text.splitlines()) >= 300} == {}
    both = [bundle(SCRIPT, entry) for entry in (ENTRY, "page/main.js")]
    for text in both:
        assert text.startswith("(() => {")
        assert text.rstrip().endswith("})();")
    whole = "".join(both)
    assert whole.count("const $") >= len(files)
    names = {name: "const $" + name.removesuffix(".js").replace("/", "_") + " = " for name in files}
    assert [name for name, start in names.items() if start not in whole] == []
