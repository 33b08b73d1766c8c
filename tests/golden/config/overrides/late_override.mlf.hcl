variable "rat" {}

locals {
  a = 1
}

output "a" {
  value = 1
}

module "a" {
  source = "./a"
}

runtime "docker" "default" {}

resource "mlform_data" "b" {}

resource "mlform_data" "a" {
  depends_on = [mlform_data.b]
}

variable "rate" {
  default = "fast"
}

moved {
  from = mlform_data.c
  to   = mlform_data.a
}

check "a" {}
