"""Write the breast cancer table that ships inside scikit-learn as data/breast_cancer.csv."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_breast_cancer

table = load_breast_cancer(as_frame=True).frame
table.columns = [name.replace(" ", "_") for name in table.columns]
# scikit-learn codes malignant as 0.
table["malignant"] = 1 - table.pop("target")
folder = Path(__file__).parent / "data"
folder.mkdir(exist_ok=True)
table.to_csv(folder / "breast_cancer.csv", index=False, lineterminator="\n")
print(f"data/breast_cancer.csv: {len(table)} rows, {len(table.columns)} columns")
