module "kid" {
  source  = "./kid"
  version = "1.0"
  rates   = 1
  names   = ["a"]
  old     = true
}

module "far" {
  source = "git::https://example.com/far.git?ref=v1"
}

module "registry" {
  source = "acme/data/mlform"
}

module "missing" {
  source = "./kidd"
}

module "empty" {
  source = "./empty"
}

module "unnamed" {
  providers = {}
  settings {
    a = 1
  }
  lifecycle {
    enabled         = true
    prevent_destroy = true
  }
  count    = 1
  for_each = {}
}

module "1" {
  source = null
}

module "kid" {
  source = "./kid"
  rate   = 1
  names  = []
}
