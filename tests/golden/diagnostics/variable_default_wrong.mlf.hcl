variable "n" {
  type    = number
  default = "many"
}

variable "o" {
  type = object({
    name = string
    tags = list(string)
  })
  default = {
    name = "x"
    tags = { a = 1 }
  }
}

variable "p" {
  default = var.n
}

variable "q" {
  type     = string
  nullable = false
  default  = null
}
