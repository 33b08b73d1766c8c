variable "count" {}

variable "rate" { typ = number }

variable "rate" {
  type    = nmber
  default = 3
}

variable {}

variable "text" {
  type        = number
  default     = "abc"
  description = local.text
  sensitive   = "perhaps"
}

variable "strict" {
  type     = number
  default  = null
  nullable = false
}

variable "computed" {
  default = upper("a")
}

variable "unquoted" {
  default = abc
}

variable "checked" {
  type = list(object({ name = string, size = optional(number, 1) }))
  default = [{
    nam = "a"
  }]
  validation {
    condition     = true
    error_message = "x"
  }
  validation {
    condition = var.checked != local.none
  }
  validation "one" {
    condition     = length(var.checked) > 0
    error_message = "x"
  }
  validation {
    condition     = length(var.checked) > local.least
    error_message = "x"
  }
}

locals {
  least = 1
}

locals {
  least = 2
  inner {}
}

output "rate" {}

output "rate" {
  value     = var.rate
  sensitive = null
}

output "rate" {
  value = 1
}

output "9" {
  value      = 1
  depends_on = model.m
}
