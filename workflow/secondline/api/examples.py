"""The data sets of the shipped examples, wherever the package is installed."""

from pathlib import Path
from typing import TYPE_CHECKING

from secondline.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "pipeline/config/examples", _PACKAGE.parents[1] / "config/examples")
"""In a wheel, and in a repository."""


def example(name: str) -> "pd.DataFrame":
    """Read a data set that comes with the package.

    Parameters
    ----------
    name : {"antihypertensives", "diabetes", "parkinsons_arms", "parkinsons_contrasts", "smoking"}
        New diabetes under antihypertensive drugs in 22 trials; change of HbA1c in 26 trials; off-time of Parkinson's
        disease in 7 trials, by arm and by contrast; smoking cessation in 24 trials. Sources are in config/examples/.

    Raises
    ------
    UserError
        There is no data set of this name.

    Examples
    --------
    >>> import secondline as sl
    >>> sl.example("smoking").head(2)
      study       treatment  events    n
    0     1      no_contact      75  731
    1     1  ind_counseling     363  714
    """
    import pandas as pd

    found = {file.stem: file for folder in _FOLDERS for file in sorted(folder.glob("*.csv"))}
    if name not in found:
        raise UserError(f"allowed: {', '.join(found)}", "example", key="name", value=name)
    return pd.read_csv(found[name], dtype={"study": str})
