"""Training by the user's own code.

Arguments of the algorithm: `module` (dotted, in the folder of input `code`), `params` (handed to
`fit` together with `seed`, unless they name one), `task`. The module's functions are described in
`mlform.features.python_model`. `random` and NumPy's old generator are seeded before `fit`.
"""

from __future__ import annotations

import random
import shutil

from mlform.digests import tree_files
from mlform.features.boosting import forget_lean_xgboost
from mlform.features.problems import TaskFailure, require_readable_tree
from mlform.features.python_model import series_to_pandas, to_pandas
from mlform.features.user_code import CodeFolder
from mlform.worker.training import Trained, Training
from mlform.worker.work import Work

_LARGEST_SEED = 2**32


def train(training: Training) -> Trained:
    """Call `fit` and `save`; the code is copied into the artifact.

    Raises:
        TaskFailure: If a function is missing, raises, or saves nothing.
    """
    import numpy as np

    forget_lean_xgboost()
    module = training.algorithm.text("module")
    _copy_code(training.work)
    code = CodeFolder(training.work.artifact / "code")
    names = ("fit", "predict", "save", "load")
    fit, _, save, _ = (code.function(module, name, "algorithm.module") for name in names)
    manifest, frame = training.manifest, training.frame
    params = {"seed": training.seed, **training.algorithm.block("params").values}
    features = to_pandas(frame.select(manifest.features))
    target = series_to_pandas(frame[manifest.target])
    training.work.progress.report("fitting", detail=module)
    random.seed(training.seed)
    np.random.seed(training.seed % _LARGEST_SEED)
    if training.weight is None:
        model = fit(features, target, params)
    else:
        model = fit(features, target, params, weight=series_to_pandas(frame[training.weight]))
    folder = training.work.artifact / "model"
    save(model, folder)
    if not any(folder.iterdir()):
        detail = f'"save" of module "{module}" wrote no file into the folder it was given.'
        raise TaskFailure("Nothing saved", detail, "algorithm.module")
    return Trained()


def _copy_code(work: Work) -> None:
    source = work.inputs["code"]
    require_readable_tree(source, "algorithm.code")
    for name in tree_files(source):
        target = work.artifact / "code" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target)
    (work.artifact / "code").mkdir(exist_ok=True)
