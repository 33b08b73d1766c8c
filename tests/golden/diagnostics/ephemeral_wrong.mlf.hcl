variable "token" {
  type      = string
  ephemeral = true
  default   = "x"
}

resource "mlform_data" "a" {
  input = var.token
}

output "b" {
  value = var.token
}
