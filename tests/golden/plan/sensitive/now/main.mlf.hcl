variable "key" {
  type      = string
  default   = "new-secret"
  sensitive = true
}

resource "mlform_data" "a" {
  input = { user = "me", key = var.key }
}

output "key" {
  value     = mlform_data.a.input
  sensitive = true
}
