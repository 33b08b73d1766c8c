"""A table, a split of it and a model of its mean, for tests that are about something else."""

from __future__ import annotations

SPLIT = """
resource "dataset" "d" {
  source "file" {
    path = "data.csv"
  }
}

resource "split" "s" {
  dataset = dataset.d
  ratio {
    partitions = { train = 0.5, eval = 0.5 }
  }
}
"""
TABLE = "a,b,y\n" + "".join(f"{at},{at % 7},{at * 2}\n" for at in range(40))
STORED = """
def save(model, folder):
    (folder / "mean.json").write_text(str(model))

def load(folder):
    return float((folder / "mean.json").read_text())
"""
"""How a model that is one number is kept: the end of its module."""

PREDICTED = """
def predict(model, features):
    return [model] * len(features)
"""
