locals {
  a = var.regoin
  b = var.nothing_like_it
  c = "${var.regoin}-x"
}

variable "region" {
  default = "eu"
}
