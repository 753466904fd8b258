"""What pyproject.toml cannot say: the wheel carries the workflow beside the package, laid out as in the repository."""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py

PARTS = ("workflow", "scripts", "envs", "profiles", "config/examples", "config/schemas")
NOT_PART = ignore_patterns("secondline", "*.egg-info", "__pycache__", "bench.py", "calibrate.py", "picture.py")


class WithWorkflow(build_py):
    """Build the package, and copy what Snakemake reads to ``secondline/pipeline``."""

    def run(self) -> None:
        """Build as ever; an editable install finds the workflow where it is."""
        super().run()
        if not self.editable_mode:
            pipeline = Path(self.build_lib) / "secondline" / "pipeline"
            for part in PARTS:
                copytree(part, pipeline / part, ignore=NOT_PART, dirs_exist_ok=True)
            self.copy_file("Snakefile", str(pipeline / "Snakefile"))


setup(cmdclass={"build_py": WithWorkflow})
