variable "list" {
  type    = list(string)
  default = []
}

locals {
  a = [for x in var.list : uper(x)]
  b = { for k, v in { a = 1 } : k => v.name }
  c = [for x in [{ a = 1 }] : x.b]
}
