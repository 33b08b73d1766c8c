# A table to a gated, served model in ten lines: the module does the rest.
# The table ships inside scikit-learn: `python data.py` writes it as data/iris.csv.

module "iris" {
  source = "../../modules/tabular_classifier"

  path    = "${path.root}/data/iris.csv"
  target  = "species"
  numeric = ["petal_length", "petal_width", "sepal_length", "sepal_width"]
  gates   = { accuracy = { min = 0.8 } }
  serve   = { port = var.port }
}

variable "port" {
  type        = number
  description = "Port of the endpoint."
  default     = 8080
}

output "metrics" {
  value = module.iris.metrics
}

output "url" {
  value = module.iris.url
}
