# From a table to a classifier that has to prove itself before it is served.

mlform {
  required_version = ">= 0.1"
}

resource "dataset" "this" {
  columns = var.columns
  where   = var.where

  source "file" {
    path = var.path
  }

  schema {
    dynamic "column" {
      for_each = var.schema
      labels   = [column.key]

      content {
        type     = column.value.type
        nullable = column.value.nullable
        min      = column.value.min
        max      = column.value.max
        pattern  = column.value.pattern
        unique   = column.value.unique
      }
    }
  }
}

# Trees are grown on train, counted on valid, judged on test.
resource "split" "this" {
  dataset = dataset.this
  seed    = var.seed

  ratio {
    partitions = var.partitions
    stratify   = var.target
  }

  dynamic "transform" {
    for_each = length(var.drop) > 0 ? [var.drop] : []
    labels   = ["drop"]

    content {
      columns = transform.value
    }
  }

  dynamic "transform" {
    for_each = length(var.numeric) > 0 ? [var.numeric] : []
    labels   = ["impute"]

    content {
      columns  = transform.value
      strategy = "median"
    }
  }

  dynamic "transform" {
    for_each = length(var.numeric) > 0 ? [var.numeric] : []
    labels   = ["standardize"]

    content {
      columns = transform.value
    }
  }

  dynamic "transform" {
    for_each = length(var.categorical) > 0 ? [var.categorical] : []
    labels   = ["one_hot"]

    content {
      columns = transform.value
    }
  }
}

resource "model" "this" {
  split  = split.this
  target = var.target
  seed   = var.seed

  algorithm "xgboost" {
    rounds = var.rounds
    params = var.params

    early_stopping {
      partition = "valid"
      rounds    = var.patience
    }
  }
}

resource "evaluation" "this" {
  model     = model.this
  partition = "test"
  metrics   = var.metrics

  dynamic "gate" {
    for_each = var.gates

    content {
      metric = gate.key
      min    = gate.value.min
      max    = gate.value.max
    }
  }
}

# Created or replaced only while the gates are passed; until then the old one keeps serving.
resource "endpoint" "this" {
  model    = model.this
  requires = [evaluation.this]
  port     = var.serve.port
  host     = var.serve.host

  lifecycle {
    enabled = var.serve != null
  }
}
