locals {
  a = upper(1, 2)
  b = "${local.a}-x"
  c = local.b + 1
}

resource "mlform_data" "a" {
  input = local.c
}

output "o" {
  value = mlform_data.a.output
}
