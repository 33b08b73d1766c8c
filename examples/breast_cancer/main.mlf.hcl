# A classifier of breast tumours, trained, checked and served behind a URL.
# The table ships inside scikit-learn: `python data.py` writes it as data/breast_cancer.csv.

variable "max_depth" {
  type        = number
  description = "Depth of each tree."
  default     = 3
}

variable "min_auc" {
  type        = number
  description = "Area under the ROC curve that a model must reach to be served."
  default     = 0.95
}

variable "port" {
  type        = number
  description = "Port of the endpoint."
  default     = 8080
}

resource "dataset" "tumours" {
  source "file" {
    path = "${path.module}/data/breast_cancer.csv"
  }

  schema {
    column "mean_radius" {
      type     = "float64"
      nullable = false
      min      = 0
    }
    column "malignant" {
      type     = "int64"
      nullable = false
      values   = [0, 1]
    }
  }
}

# Three partitions: trees are grown on one, counted on the second, judged on the third.
resource "split" "tumours" {
  dataset = dataset.tumours
  seed    = 7

  ratio {
    partitions = { train = 0.6, valid = 0.2, test = 0.2 }
    stratify   = "malignant"
  }

  transform "log" {
    columns = ["mean_area", "worst_area", "area_error"]
  }
  transform "standardize" {
    columns = ["mean_area", "worst_area", "area_error", "mean_radius"]
  }
}

resource "model" "tumours" {
  split  = split.tumours
  target = "malignant"

  algorithm "xgboost" {
    objective = "binary:logistic"
    rounds    = 200
    params    = { max_depth = var.max_depth, learning_rate = 0.1 }

    early_stopping {
      partition = "valid"
      rounds    = 20
    }
  }
}

resource "evaluation" "tumours" {
  model     = model.tumours
  partition = "test"
  metrics   = ["roc_auc", "log_loss", "accuracy", "recall"]

  gate {
    metric = "roc_auc"
    min    = var.min_auc
  }
}

# Created or replaced only while the gate above is passed; until then the old one keeps serving.
resource "endpoint" "tumours" {
  model    = model.tumours
  requires = [evaluation.tumours]
  port     = var.port
}

output "metrics" {
  value = evaluation.tumours.metrics
}

output "url" {
  value = endpoint.tumours.url
}
