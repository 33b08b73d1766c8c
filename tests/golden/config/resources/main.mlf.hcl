resource "model" "m" {
  count    = 2
  for_each = { a = 1 }
  provider = aws
  runtime  = "docker.big"
  provisioner "local-exec" {}
}

resource "model" "m" {
  runtime = runtime.docker.bigg
}

resource "var" "m" {}

resource "model" "m" "again" {}

resource "model" {}

resource "2" "3" {
  runtime = runtime.docker
}

resource "dataset" "d" {
  runtime    = local.runtime
  depends_on = [var.rate, "model.m", model.m.digest, model.m[0], data.aws.x, model.m, upper("x")]
}

runtime "docker" "big" {
  image = "ghcr.io/acme/runtime:0.1"
}
