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

resource "model" "m" {
  split  = split.s
  target = "y"
  algorithm "xgboost" {
    rounds = 10
  }
}

