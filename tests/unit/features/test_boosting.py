from __future__ import annotations

import subprocess  # noqa: TID251 - imports have to be seen in a fresh process
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def python(program: str) -> str:
    finished = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return finished.stdout.strip()


def test_a_lean_import_loads_neither_scikit_learn_nor_pandas() -> None:
    program = (
        "import sys; from mlform.features.boosting import import_xgboost\n"
        "import_xgboost(); print([n for n in ('sklearn', 'pandas') if n in sys.modules])"
    )
    assert python(program) == "[]"


def test_user_code_gets_the_wrappers_after_a_lean_import() -> None:
    program = (
        "from mlform.features.boosting import *; import_xgboost(); forget_lean_xgboost()\n"
        "import xgboost; print(xgboost.XGBClassifier(n_estimators=2).fit([[0],[1]], [0, 1])"
        ".predict([[1]]).shape)"
    )
    assert python(program) == "(1,)"
