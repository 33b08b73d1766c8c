resource "mlform_data" "alpha" {
}

output "a" {
  value = mlform_data.alpah.output
}

output "b" {
  value = mlfrom_data.alpha.output
}

output "c" {
  value = resource.mlform_data.alpha.output
}

output "d" {
  value = data.aws_ami.x.id
}
