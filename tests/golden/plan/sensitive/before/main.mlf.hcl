variable "key" {
  type      = string
  default   = "old-secret"
  sensitive = true
}

resource "mlform_data" "a" {
  input = { user = "you", key = var.key }
}

output "key" {
  value     = mlform_data.a.input
  sensitive = true
}
