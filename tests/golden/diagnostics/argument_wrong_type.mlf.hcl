resource "endpoint" "e" {
  model = model.m
  port  = "eighty"
}

resource "model" "m" {
  split  = "titanic"
  target = ["y"]
  algorithm "xgboost" {
    rounds = { many = true }
  }
}
