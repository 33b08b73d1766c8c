# Which of three growers made a wine? Several classes, training code and a metric of one's own.
# The table ships inside scikit-learn: `python data.py` writes it as data/wine.csv.

variable "strength" {
  type        = number
  description = "How strongly the model is fitted: the inverse of regularisation."
  default     = 1
}

variable "port" {
  type        = number
  description = "Port of the endpoint."
  default     = 8081
}

locals {
  wide = ["proline", "magnesium", "color_intensity", "malic_acid"]
}

resource "dataset" "wine" {
  source "file" {
    path = "${path.module}/data/wine.csv"
  }

  schema {
    column "alcohol" {
      type = "float64"
      min  = 0
      max  = 100
    }
    column "cultivar" {
      type     = "string"
      nullable = false
      values   = ["class_0", "class_1", "class_2"]
    }
  }
}

resource "split" "wine" {
  dataset = dataset.wine
  seed    = 11

  ratio {
    partitions = { train = 0.7, test = 0.3 }
    stratify   = "cultivar"
  }

  transform "log" {
    columns = local.wide
  }
  transform "standardize" {
    columns = [for name in dataset.wine.columns : name if name != "cultivar"]
  }
}

resource "model" "wine" {
  split  = split.wine
  target = "cultivar"

  # training/classifier.py has fit, predict, save and load.
  algorithm "python" {
    code   = "${path.module}/training"
    module = "classifier"
    params = { strength = var.strength, max_iterations = 500 }
  }
}

resource "evaluation" "wine" {
  model     = model.wine
  partition = "test"
  metrics   = ["accuracy", "log_loss"]
  code      = "${path.module}/metrics"

  metric "worst_recall" {
    module   = "recall"
    function = "worst_recall"
  }

  gate {
    metric = "worst_recall"
    min    = 0.8
  }
}

resource "endpoint" "wine" {
  model    = model.wine
  requires = [evaluation.wine]
  port     = var.port
}

output "metrics" {
  value = evaluation.wine.metrics
}

output "url" {
  value = endpoint.wine.url
}
