terraform {
  required_version = ">= 1"
}

provider "aws" {}

data "aws_ami" "x" {}

module "m" {
  source = "./m"
}

moved {
  from = a.b
  to   = a.c
}

removed {
  from = a.b
}

import {
  to = a.b
  id = "x"
}

check "c" {}

ephemeral "a" "b" {}

resorce "model" "m" {}

banana {}

rate = 3
