locals {
  a = var.nope
  b = [var.nope, var.nope]
  c = { x = var.nope }
  d = local.nope + local.nope
}
