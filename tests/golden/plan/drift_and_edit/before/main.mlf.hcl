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

resource "evaluation" "e" {
  model     = model.m
  partition = "eval"
  metrics   = ["score"]
  gate {
    metric = "score"
    min    = 0.5
  }
}

resource "endpoint" "p" {
  model    = model.m
  requires = [evaluation.e]
  port     = 8080
}

output "score" {
  value = evaluation.e.metrics.score
}
