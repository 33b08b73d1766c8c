locals {
  a = "value: ${var.x"
  b = 1
}
