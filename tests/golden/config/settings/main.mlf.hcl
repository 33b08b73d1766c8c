mlform {
  required_version = ">= 9.0"
  required_provider = "x"
  required_providers {}
  backend "local" {}
  backend "local" {}
}

mlform {
  required_version = "about 1"
}

mlform {
  required_version = var.version
  backend {}
}

runtime "docker" "default" {
  image = "ghcr.io/acme/runtime:0.1"
}

runtime "process" "default" {}

runtime "docker" "default" {}

runtime "docker" "1big" {}

runtime "docker" {}
