"""Write the diabetes table that ships inside scikit-learn as data/diabetes.csv."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_diabetes

# Unscaled: years, millimetres of mercury and so on; scaling is the pipeline's work.
table = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "progression"})
folder = Path(__file__).parent / "data"
folder.mkdir(exist_ok=True)
table.to_csv(folder / "diabetes.csv", index=False, lineterminator="\n")
print(f"data/diabetes.csv: {len(table)} rows, {len(table.columns)} columns")
