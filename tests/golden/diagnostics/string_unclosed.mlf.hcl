locals {
  a = "no end
  b = 2
}

output "c" {
  value = 1
}
