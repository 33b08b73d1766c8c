mlform {
  required_version = "> 100"
  backend "local" {}
}

runtime "docker" "default" {
  image = "x"
}

variable "rate" {
  type = number
}

variable "names" {
  type = list(string)
}

variable "old" {
  default    = false
  deprecated = "Use names instead."
}

import {
  to = mlform_data.a
  id = "x"
}

module "inner" {
  source = "./grandkid"
  size   = var.rat
}

output "hidden" {
  value     = 1
  ephemeral = true
}
