variable "keep" {}

variable "kept" {
  type = bool
}

output "keep" {
  value     = 1
  sensitive = var.keep
}

resource "mlform_data" "a" {
  lifecycle {
    prevent_destroy = var.kept
  }
}
