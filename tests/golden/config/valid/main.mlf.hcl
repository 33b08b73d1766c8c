mlform {
  required_version = ">= 0.1, < 100"
  backend "local" {}
}

runtime "docker" "default" {
  image  = "ghcr.io/acme/mlform-runtime:0.1"
  cpus   = 2
  memory = "4GiB"
}

variable "min_auc" {
  type    = number
  default = 0.85
  validation {
    condition     = var.min_auc <= 1
    error_message = "An area is at most 1."
  }
}

locals {
  target = "survived"
}

resource "dataset" "titanic" {
  source "file" {
    path = "${path.module}/titanic.csv"
  }
  columns = ["survived", "pclass"]
}

resource "split" "titanic" {
  count   = 2
  dataset = dataset.titanic
  runtime = runtime.docker.default
  ratio {
    partitions = { train = 0.7, eval = 0.3 }
  }
  lifecycle {
    create_before_destroy = true
    ignore_changes        = [seed, ratio]
    replace_triggered_by  = [dataset.titanic.digest]
    precondition {
      condition     = dataset.titanic.rows > 10
      error_message = "Too small."
    }
  }
}

resource "endpoint" "titanic" {
  depends_on = [split.titanic, split.titanic[0]]
  lifecycle {
    ignore_changes = all
  }
}

output "rows" {
  value = dataset.titanic.rows
}
