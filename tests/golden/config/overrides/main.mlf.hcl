variable "rate" {
  type = number
}

resource "mlform_data" "a" {
  input = 1
}
