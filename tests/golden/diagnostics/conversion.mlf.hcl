variable "size" {
  type = number
}

variable "names" {
  type = set(string)
}

locals {
  a = tolist("x")
  b = tonumber("1,5")
  c = tobool("yes")
  d = tomap([1])
  e = var.names[0]
  f = var.size.unit
  g = tonumber({})
}
