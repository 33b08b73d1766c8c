variable "size" {}

resource "mlform_data" "a" {
  runtime = runtime.docker.none
}

resource "mlform_data" "a" {}
