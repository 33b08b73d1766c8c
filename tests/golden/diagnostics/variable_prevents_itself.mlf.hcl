variable "a" {
  type    = number
  default = 1

  validation {
    condition     = var.b > 0
    error_message = "b must be positive, not ${var.b}."
  }
}

variable "c" {
  type       = string
  deprecated = true
}
