variable "password" {
  type      = string
  sensitive = true
  default   = "hunter2"
}

output "a" {
  value = var.password + 1
}

output "b" {
  value = "x-${var.password}"
}

resource "mlform_data" "many" {
  for_each = toset([var.password])
}
