resource "mlform_data" "a" {}

module "kid" {
  source = "./kid"
}

moved {
  from = mlform_data.b
  to   = module.kid
}

moved {
  from = mlform_data.a
  to   = mlform_data.a
}

moved {
  from = "mlform_data.b"
  to   = mlform_data.c.d
}

moved {
  from = var.a
  to   = mlform_data.c[each.key]
}

moved {
  to = resource.mlform_data.c
}

removed {
  from = mlform_data.a
}

removed {
  from = mlform_data.b[0]
}

removed {
  from = module.kid
  lifecycle {
    destroy = "no"
  }
}

removed {
  from = module.kid.mlform_data.inner
  provisioner "local-exec" {}
}

import {
  to = mlform_data.a["x"].id
  id = "x"
}

import {
  to = data.mlform_data.a
}

import {
  to = "mlform_data.a"
  id = "y"
}

check "1" {
  data "http" "x" {}
  assert {
    condition     = true
    error_message = "x"
  }
}

check "none" {}

check "none" {
  assert {
    condition = mlform_data.a.id != ""
  }
}
