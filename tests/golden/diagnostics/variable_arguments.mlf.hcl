variable "a" {
  typ     = string
  default = "x"
}

variable "b" {
  type      = strng
  sensitive = "maybe"
}

variable "c" {
  type = list(string, number)
}

variable "d" {
  type = object({ a = optional(string, 1, 2) })
}

variable "e" {
  type = "string"
}
