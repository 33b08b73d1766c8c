"""Write the iris table that ships inside scikit-learn as data/iris.csv."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_iris

iris = load_iris(as_frame=True)
table = iris.frame.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))
table["species"] = iris.target_names[table.pop("target")]
folder = Path(__file__).parent / "data"
folder.mkdir(exist_ok=True)
table.to_csv(folder / "iris.csv", index=False, lineterminator="\n")
print(f"data/iris.csv: {len(table)} rows, {len(table.columns)} columns")
