resource "mlform_data" "a" {
  lifecycle {
    replace_triggered_by = [var.x, "mlform_data.b"]
  }
}

resource "mlform_data" "b" {
  lifecycle {
    ignore_changes = "input"
  }
}

variable "x" {
}
