resource "model" "m" {
	split	= [split.a,
}

variable "ok" {
  default = ]
}

output "o" {
  value = 1 +
}

output "漢字" {
  description = "漢字" + var.x
}

resource "model" "n" {
