mlform {
  required_version = "> ${local.least}"
  backend "local" {
    path = local.a
  }
}

variable "keep" {
  type = bool
}

variable "secret" {
  default   = "kid"
  sensitive = true
}

variable "default" {
  default   = var.keep
  sensitive = upper("true")
}

locals {
  least = 0
  a     = local.b
  b     = "${local.a}x"
  made  = mlform_data.first.id
  near  = local.made
}

runtime "docker" "a" {}

runtime "docker" "b" {}

resource "mlform_data" "first" {
  count   = 2
  runtime = var.keep ? runtime.docker.a : runtime.docker.c
  lifecycle {
    prevent_destroy       = local.near == ""
    create_before_destroy = count.index == 0
    destroy               = var.keep
  }
}

resource "mlform_data" "second" {
  runtime = mlform_data.first[0].id == "" ? runtime.docker.a : runtime.docker.b
  lifecycle {
    prevent_destroy = local.none
    destroy         = "maybe"
  }
}

module "unset" {
  source = "./${var.keep}"
}

module "secret" {
  source = "./${var.secret}"
}

module "later" {
  source = "./${local.near}"
}

module "wrong" {
  source = "./${upper()}"
}

module "kid" {
  source = "./kid"
  keep   = mlform_data.first[0].id
  kept   = local.none
}
