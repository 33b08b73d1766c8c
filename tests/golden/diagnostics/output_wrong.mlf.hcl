output "a" {
}

output "b" {
  value     = 1
  sensitve  = true
  depends_on = mlform_data.a
}

output "c" {
  value = sensitive("x")
}
