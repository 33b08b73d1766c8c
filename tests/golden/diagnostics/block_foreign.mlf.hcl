provider "aws" {
  region = "eu"
}

data "aws_ami" "a" {
}

terraform {
  required_version = "> 1"
}

resources "mlform_data" "a" {
}
