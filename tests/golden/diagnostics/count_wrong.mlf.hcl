variable "secret" {
  type      = number
  sensitive = true
  default   = 1
}

resource "mlform_data" "a" {
  count = "many"
}

resource "mlform_data" "b" {
  count = -1
}

resource "mlform_data" "c" {
  count = 1.5
}

resource "mlform_data" "d" {
  count = null
}

resource "mlform_data" "e" {
  count = var.secret
}

resource "mlform_data" "f" {
  count = mlform_data.g.id == "" ? 1 : 2
}

resource "mlform_data" "g" {
}
