variable "rate" {
  type = number

  validation {
    condition = var.rate > 0
  }

  validation {
    condition     = 1 + 1
    error_message = "no"
  }
}
