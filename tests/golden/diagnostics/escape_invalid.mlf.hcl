locals {
  a = "C:\path"
  b = "\u12"
  c = "ok \n"
}
