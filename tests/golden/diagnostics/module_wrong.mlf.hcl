module "a" {
  source = "./nowhere"
}

module "b" {
}

module "c" {
  source  = "./nowhere"
  version = "1.0"
}

output "x" {
  value = module.d.y
}
