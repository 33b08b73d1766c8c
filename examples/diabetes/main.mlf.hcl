# How far will the disease have progressed in a year? Two models, and the second is served only if
# it beats the first. The table ships inside scikit-learn: `python data.py` writes it.

variable "max_depth" {
  type        = number
  description = "Depth of the challenger's trees."
  default     = 2
}

variable "port" {
  type        = number
  description = "Port of the endpoint."
  default     = 8082
}

resource "dataset" "patients" {
  source "file" {
    path = "${path.module}/data/diabetes.csv"
  }
  where = "age >= 18"

  schema {
    column "bmi" {
      type = "float64"
      min  = 10
      max  = 100
    }
    column "progression" {
      type     = "float64"
      nullable = false
      min      = 0
    }
  }
}

resource "split" "patients" {
  dataset = dataset.patients
  seed    = 5

  ratio {
    partitions = { train = 0.6, valid = 0.2, test = 0.2 }
  }

  transform "clip" {
    columns        = ["s1", "s2", "s3"]
    lower_quantile = 0.01
    upper_quantile = 0.99
  }
  transform "normalize" {
    columns = ["age", "bmi", "bp"]
  }
}

# What anybody gets who changes nothing.
resource "model" "baseline" {
  split  = split.patients
  target = "progression"

  algorithm "xgboost" {
    rounds = 50
  }
}

# Shallow trees, small steps, and no more of them than help.
resource "model" "challenger" {
  split  = split.patients
  target = "progression"

  algorithm "xgboost" {
    rounds = 500
    params = { max_depth = var.max_depth, learning_rate = 0.05 }

    early_stopping {
      partition = "valid"
      rounds    = 30
    }
  }
}

resource "evaluation" "baseline" {
  model     = model.baseline
  partition = "test"
  metrics   = ["rmse", "mae", "r2"]
}

resource "evaluation" "challenger" {
  model     = model.challenger
  partition = "test"
  metrics   = ["rmse", "mae", "r2"]

  gate {
    metric      = "rmse"
    better_than = evaluation.baseline.metrics.rmse
  }
}

resource "endpoint" "progression" {
  model    = model.challenger
  requires = [evaluation.challenger]
  port     = var.port
}

output "rmse" {
  value = {
    baseline   = evaluation.baseline.metrics.rmse
    challenger = evaluation.challenger.metrics.rmse
  }
}

output "url" {
  value = endpoint.progression.url
}
