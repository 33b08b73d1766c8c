locals {
  l = ["a", "b"]
  m = { a = 1 }
}

output "a" {
  value = local.l[2]
}

output "b" {
  value = local.m["b"]
}

output "c" {
  value = local.l["first"]
}

output "d" {
  value = local.l[-1]
}

output "e" {
  value = local.m.b
}
