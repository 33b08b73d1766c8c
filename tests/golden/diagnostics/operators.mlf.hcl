variable "s" {
  type    = string
  default = "x"
}

locals {
  a = "x" + 1
  b = !"maybe"
  c = -"x"
  d = [] && true
  e = 1 / 0
  f = "a" > "b"
  g = null + 1
  h = 5 % 0
}
