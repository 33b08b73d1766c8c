resource "dataset" "d" {
  source "file" {
    path = "a.csv"
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
  algorithm "xgbost" {
    rounds = 2
  }
}

resource "model" "n" {
  split  = split.s
  target = "y"
  algorithm "xgboost" {
    objectve = "binary:logistic"
    rounds   = -2
  }
}

resource "evaluation" "e" {
  model     = model.n
  partition = "evall"
  metrics   = ["roc_acu"]
  gate {
    metric = "roc_auc"
    mn     = 0.5
  }
}
