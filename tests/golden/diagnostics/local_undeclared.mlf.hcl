locals {
  prefix = "p"
}

output "a" {
  value = local.prefx
}

output "b" {
  value = locals.prefix
}
