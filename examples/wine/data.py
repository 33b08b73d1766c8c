"""Write the wine table that ships inside scikit-learn as data/wine.csv."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_wine

wine = load_wine(as_frame=True)
table = wine.frame.rename(columns={"od280/od315_of_diluted_wines": "od280_od315"})
# A name says more than a number: the three growers are classes, not amounts.
table["cultivar"] = wine.target_names[table.pop("target")]
folder = Path(__file__).parent / "data"
folder.mkdir(exist_ok=True)
table.to_csv(folder / "wine.csv", index=False, lineterminator="\n")
print(f"data/wine.csv: {len(table)} rows, {len(table.columns)} columns")
