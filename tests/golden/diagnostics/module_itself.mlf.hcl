module "again" {
  source = "."
}
