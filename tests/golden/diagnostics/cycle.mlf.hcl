resource "mlform_data" "a" {
  input = local.b
}

locals {
  b = mlform_data.c.output
}

resource "mlform_data" "c" {
  input = mlform_data.a.output
}

locals {
  self = local.self
}
