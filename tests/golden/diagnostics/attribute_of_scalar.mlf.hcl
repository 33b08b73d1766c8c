locals {
  s = "text"
}

output "a" {
  value = local.s.length
}

output "b" {
  value = local.s[0]
}

output "c" {
  value = null.a
}
