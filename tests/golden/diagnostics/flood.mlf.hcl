locals {
  a = var.m1
  b = var.m2
  c = var.m3
}

resource "mlform_data" "a" {
  count = 200
  input = count.index + "x"
}
